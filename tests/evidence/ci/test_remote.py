"""Remotes in all of git's forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.evidence.ci.remote import Remote, parse_remote


@pytest.mark.parametrize(
    ("address", "host", "path"),
    [
        ("git@github.com:acme/infra.git", "github.com", "acme/infra"),
        ("https://github.com/acme/infra", "github.com", "acme/infra"),
        ("https://GitHub.com/acme/infra.git/", "github.com", "acme/infra"),
        ("ssh://git@ssh.github.com:443/acme/infra.git", "github.com", "acme/infra"),
        ("https://user:secret@github.acme.test:8443/acme/infra.git", "github.acme.test:8443", "acme/infra"),
        ("git@gitlab.com:acme/platform/infra.git", "gitlab.com", "acme/platform/infra"),
        ("git@ssh.dev.azure.com:v3/acme/Platform/infra", "dev.azure.com", "acme/Platform/infra"),
        ("https://acme@dev.azure.com/acme/My%20Platform/_git/infra", "dev.azure.com", "acme/My Platform/infra"),
        ("https://acme.visualstudio.com/Platform/_git/infra", "dev.azure.com", "acme/Platform/infra"),
        ("git@github-work:acme/infra.git", "github.com", "acme/infra"),
        ("https://dev.azure.com/acme/_git/infra", "dev.azure.com", "acme/infra/infra"),
    ],
)
def test_a_remote_is_host_and_path(address: str, host: str, path: str) -> None:
    assert parse_remote(address) == Remote(host, path)


@pytest.mark.parametrize(
    "address",
    [
        "/srv/git/infra.git",
        "../infra",
        "file:///srv/git/infra.git",
        "https://github.com/acme",
        "https://github.com/acme/../../user",
        "https://github.com/acme/infra?x=1#y/..",
        "git@github.com:acme/infra;rm -rf ~",
        "https://[::1",
        "ext::sh -c touch% /tmp/x",
        "",
    ],
)
def test_what_is_no_remote_of_a_host_is_none(address: str) -> None:
    found = parse_remote(address)
    assert found is None or (".." not in found.path and "?" not in found.path)


@given(st.text(max_size=200))
def test_no_text_makes_a_path_that_leaves_its_place(address: str) -> None:
    found = parse_remote(address)
    if found is not None:
        assert not {"..", ""} & set(found.path.split("/"))
        assert not set(found.path) & set("?#%&;|$`'\"<>\\\n")
