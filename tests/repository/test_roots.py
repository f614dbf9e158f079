"""All roots below a checkout, and the one that a pasted error's `Path` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook import repository
from tuirunbook.core.address import join_key
from tuirunbook.core.workspace import is_workspace, workspace_of

if TYPE_CHECKING:
    from tests.repository.conftest import Checkout


def block(bucket: str, key: str, more: str = "") -> str:
    return f'    bucket = "{bucket}"\n    key = "{key}"\n    region = "r"\n{more}'


def below(checkout: Checkout) -> list[str]:
    return [str(root.relative_to(checkout.top)) for root in repository.roots_below(checkout.top)]


def test_roots_are_where_a_backend_is_declared_or_saved(checkout: Checkout) -> None:
    checkout.backend("", "b/main.tf")
    checkout.backend("", "b/nested/x.tf.json".replace(".json", ""))
    checkout.backend("", "security-compliance --/config.tf", kind="gcs")
    checkout.write("cloud/main.tf", "terraform {\n  cloud {\n  }\n}\n")
    checkout.write("json/cdk.tf.json", '{"terraform": {"backend": {"s3": {}}}}')
    checkout.save({"bucket": "b"}, "saved")
    checkout.write("live/terragrunt.hcl", "")
    checkout.write("none/main.tf", '# backend "s3" {\nvariable "backend" {\n}\n')
    for skipped in (".terraform/modules/m", ".terragrunt-cache/h", "node_modules/p", ".venv/lib"):
        checkout.backend("", f"b/{skipped}/main.tf")
    assert below(checkout) == ["b", "b/nested", "cloud", "json", "live", "saved", "security-compliance --"]


def test_symlinks_to_directories_are_not_followed(checkout: Checkout) -> None:
    checkout.backend("", "a/main.tf")
    (checkout.top / "loop").symlink_to(checkout.top)
    assert below(checkout) == ["a"]


def test_a_pasted_path_selects_the_root(checkout: Checkout) -> None:
    checkout.backend(block("b", "one.tfstate"), "one/main.tf")
    checkout.backend(block("b", "two.tfstate"), "two/main.tf")
    (root,) = checkout.by_path("b/two.tfstate", start="one")
    assert root.name == "two"
    assert root.workspace == "default"
    assert checkout.by_path("b/three.tfstate") == ()
    assert checkout.by_path("c/two.tfstate") == ()


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("", "b/env:/prod/k/x.tfstate"),
        ('workspace_key_prefix = "states"', "b/states/prod/k/x.tfstate"),
        ('workspace_key_prefix = ""', "b/prod/k/x.tfstate"),
        ('workspace_key_prefix = "a//b"', "b/a/b/prod/k/x.tfstate"),
    ],
)
def test_the_workspace_is_the_one_for_which_the_path_matches(checkout: Checkout, more: str, path: str) -> None:
    checkout.environ["TF_WORKSPACE"] = "other"
    checkout.backend(block("b", "k/x.tfstate", f"    {more}"))
    (root,) = checkout.by_path(path)
    assert (root.workspace, root.workspace_origin) == ("prod", "the error's Path")
    assert root.address().lock_id == path


def test_a_shared_state_key_selects_all_its_roots(checkout: Checkout) -> None:
    checkout.backend(block("b", "k"), "hub-api/main.tf")
    checkout.backend(block("b", "k"), "hub/api/main.tf")
    assert [root.name for root in checkout.by_path("b/k")] == ["hub/api", "hub-api"]


def test_what_is_saved_is_matched_before_the_files(checkout: Checkout) -> None:
    checkout.backend("")
    checkout.save({"bucket": "b", "key": "k", "region": "r"})
    (root,) = checkout.by_path("b/k")
    assert root.initialised
    checkout.backend(block("b", "files"))
    (root,) = checkout.by_path("b/files")
    assert not root.initialised
    assert any("initialised for another" in note for note in root.notes)


def test_a_partial_block_is_matched_with_a_file_beside_it_and_says_so(checkout: Checkout) -> None:
    checkout.backend("", "app/main.tf")
    checkout.write("app/dev.tfbackend", 'bucket = "dev"\nkey = "k"\nregion = "r"\n')
    checkout.write("app/prod.tfbackend", 'bucket = "prod"\nkey = "k"\nregion = "r"\n')
    checkout.write("app/broken.tfbackend", 'bucket = "prod\n')
    (root,) = checkout.by_path("prod/k")
    assert root.backend.origins["bucket"] == "--backend-config prod.tfbackend"
    assert any(note.startswith("prod.tfbackend completes") for note in root.notes)


def test_a_root_that_cannot_be_read_does_not_hide_the_others(checkout: Checkout) -> None:
    checkout.write("a/main.tf", 'terraform {\n  backend "s3" {\n')
    checkout.backend(block("b", "k"), "z/main.tf")
    assert [root.name for root in checkout.by_path("b/k")] == ["z"]


def test_a_templated_bucket_is_matched_by_its_value(checkout: Checkout) -> None:
    checkout.backend(block('state-${"x"}', "k"))
    assert len(checkout.by_path("state-x/k")) == 1


@pytest.mark.parametrize("path", ["", "terraform.tfstate", "/k", "b/"])
def test_a_path_that_is_no_bucket_and_key_is_refused(checkout: Checkout, path: str) -> None:
    with pytest.raises(repository.DetectionError):
        checkout.by_path(path)


@given(
    st.text("ab/.", min_size=1, max_size=6),
    st.text("ab/:", max_size=4),
    st.text("abc-_.", min_size=1, max_size=4).filter(is_workspace),
)
def test_a_derived_workspace_leads_back_to_the_path(key: str, prefix: str, workspace: str) -> None:
    path = join_key(prefix, workspace, key)
    found = workspace_of(path, key, prefix)
    assert found is None or join_key(prefix, found, key) == path
    if ".." not in (key + prefix + workspace) and workspace != ".":
        assert found is not None
