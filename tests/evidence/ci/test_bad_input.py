"""Whatever a CI system answers, through every way in which it is asked: a finding that says so, and nothing that blocks
less, supports, or hangs."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.ci.conftest import gather
from tests.evidence.ci.serving import Asked, Reply, Serving, as_json, as_text, serving
from tests.evidence.ci.test_transport import environ, stand_in
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.evidence.ci import atlantis, azure, buildkite, circleci, github, gitlab, jenkins, login, transport
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.transport import Http, Transport

REMOTE = Remote("github.com", "acme/infra")
HOSTILE = "\x1b[31mevil\x1b]0;x\x07 [bold]x[/nope] \u202egnp"
Way = Callable[[Serving, Path], Transport]


def http(served: Serving, folder: Path) -> Transport:
    del folder
    return Http(served.url, {"Authorization": "Bearer t0ken"}, login="X_TOKEN", renew="Set X_TOKEN.")


def gh(served: Serving, folder: Path) -> Transport:
    stand_in(folder / "bin", "gh", served.url, "github.com")
    return login.github("github.com", environ(folder / "bin"))


def glab(served: Serving, folder: Path) -> Transport:
    stand_in(folder / "bin", "glab", served.url, "gitlab.com")
    return login.gitlab("gitlab.com", environ(folder / "bin"))


AZ = """#!{python}
import sys, urllib.error, urllib.request
if sys.argv[1] == "account":
    sys.exit(0)
url = sys.argv[sys.argv.index("--url") + 1].replace("https://dev.azure.com/acme", {url!r})
try:
    sys.stdout.buffer.write(urllib.request.urlopen(url).read())
except urllib.error.HTTPError as error:
    sys.exit("ERROR: %d %s" % (error.code, error.reason))
"""


def az(served: Serving, folder: Path) -> Transport:
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "az"
    program.write_text(AZ.format(python=sys.executable, url=served.url))
    program.chmod(0o755)
    return azure.connect("acme", environ(folder / "bin"))


SYSTEMS: dict[str, tuple[Way, Callable[[Transport], Any]]] = {
    "github by token": (http, lambda way: github.GitHub(REMOTE, way)),
    "github by gh": (gh, lambda way: github.GitHub(REMOTE, way)),
    "gitlab by token": (http, lambda way: gitlab.GitLab(Remote("gitlab.com", "acme/infra"), way)),
    "gitlab by glab": (glab, lambda way: gitlab.GitLab(Remote("gitlab.com", "acme/infra"), way)),
    "azure by token": (http, lambda way: azure.Azure(Remote("dev.azure.com", "acme/Platform/infra"), way)),
    "azure by az": (az, lambda way: azure.Azure(Remote("dev.azure.com", "acme/Platform/infra"), way)),
    "jenkins": (http, lambda way: jenkins.Jenkins(way, REMOTE)),
    "buildkite": (http, lambda way: buildkite.Buildkite(way, "acme", REMOTE)),
    "circleci": (http, lambda way: circleci.CircleCi(REMOTE, way)),
    "atlantis": (http, lambda way: atlantis.Atlantis(way, "https://atlantis.acme.test", REMOTE)),
}
EVERY = pytest.mark.parametrize("name", SYSTEMS)


def found_by(name: str, answer: Callable[[Asked], Reply], folder: Path) -> dict[str, Finding]:
    connect, make = SYSTEMS[name]
    with serving(answer) as served:
        return gather(make(connect(served, folder)))


def told(name: str, reply: Reply, folder: Path) -> str:
    """What the only finding says: that it is not known, and why."""
    (only,) = found_by(name, lambda _: reply, folder).values()
    assert (only.says, only.match) == (Says.UNKNOWN, Match.COULD_BE)
    return only.fact


@EVERY
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_a_refusal_is_a_finding_that_says_what_to_do(name: str, status: int, tmp_path: Path) -> None:
    fact = told(name, as_json({"message": "no"}, status), tmp_path)
    words = {401: "refuses the login", 403: "does not let", 404: "knows no such thing", 429: "enough questions"}
    assert words.get(status, f"error {status}") in fact or f"ERROR: {status}" in fact
    assert fact.endswith((".", ")"))


@EVERY
def test_a_login_page_in_place_of_an_answer_is_told(name: str, tmp_path: Path) -> None:
    fact = told(name, as_text("<html><title>Sign in</title></html>", kind="text/html"), tmp_path)
    assert "a web page instead of JSON" in fact


@EVERY
def test_an_answer_that_is_too_long_is_not_read_to_its_end(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (transport, azure):
        monkeypatch.setattr(module, "MOST_BYTES", 1_000_000)
    fact = told(name, as_text("[" + "1," * 2_000_000, kind="application/json"), tmp_path)
    assert "answered with more than 1 MB" in fact


@EVERY
@pytest.mark.timeout(30)
def test_one_that_never_answers_is_given_up_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, make = SYSTEMS[name]
    with serving(lambda _: as_json({})) as served, socket.create_server(("127.0.0.1", 0)) as silent:
        way = connect(served, tmp_path)
        if isinstance(way, Http):
            way = Http(f"http://127.0.0.1:{silent.getsockname()[1]}", {}, login="X_TOKEN", renew="Set X_TOKEN.")
        else:
            program = tmp_path / "bin" / name.rpartition(" ")[2]
            program.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'\n")
        monkeypatch.setattr(type(way), "send", _hurried(type(way).send))
        (only,) = gather(make(way)).values()
    assert only.says is Says.UNKNOWN
    assert "did not answer" in only.fact


def _hurried(send: Any) -> Any:
    """The same with little patience, so that the test need not wait for five seconds."""

    def hurried(self: Any, path: str, params: Any = (), *, timeout: float = 0) -> Any:
        del timeout
        # az itself is given five seconds to start, on top of this.
        return send(self, path, params, timeout=-4.5 if isinstance(self, azure.Az) else 0.5)

    return hurried


@EVERY
@pytest.mark.parametrize(
    "body", ["{}", "[]", "null", "7", '"x"', '{"value": {"a": [1]}, "items": [null, 3]}', "[[[]]]"]
)
def test_json_of_another_shape_blocks_and_supports_nothing(name: str, body: str, tmp_path: Path) -> None:
    found = found_by(name, lambda _: as_text(body, kind="application/json"), tmp_path)
    assert found
    assert {finding.says for finding in found.values()} <= {Says.NOTHING, Says.UNKNOWN}


@EVERY
def test_s12_what_a_refusal_says_is_one_line_without_escapes(name: str, tmp_path: Path) -> None:
    fact = told(name, as_json({"message": HOSTILE}, 403), tmp_path)
    assert not {"\x1b", "\x07", "\n", "\u202e"} & set(fact)


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "azure by az"])
def test_a_clock_that_differs_is_told(name: str, tmp_path: Path) -> None:
    connect, make = SYSTEMS[name]
    with serving(_nothing) as served:
        served.skew = timedelta(minutes=7)
        found = gather(make(connect(served, tmp_path)))
    assert "its clock is about 420 s ahead of this machine's" in found["asked"].fact


def _nothing(asked: Asked) -> Reply:
    """An answer that says that there is nothing, in each system's shape."""
    if asked.path.endswith("/projects/acme%2Finfra"):
        return as_json({"id": 7})
    if asked.path.rstrip("/").endswith(("/jobs", "/pipeline_schedules", "/builds")) and "_apis" not in asked.path:
        return as_json([])
    return as_json({})
