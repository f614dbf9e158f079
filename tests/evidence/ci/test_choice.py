"""Which systems are asked: by a real checkout's remotes and CI files, by the environment, and by `Who`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.ci.conftest import ADDRESS, NOW, stored
from tests.evidence.ci.serving import Asked, GitHubServer, Reply, Serving, as_json, serving
from tests.evidence.ci.test_github import REFUSED
from tests.evidence.ci.test_transport import environ, stand_in
from tuirunbook.cli.walk import is_address, read_text, with_error
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.diagnosis import Kind, diagnose
from tuirunbook.core.evidence import Finding, Says
from tuirunbook.evidence.ci.source import CiSource
from tuirunbook.walk.ports import EvidenceSource
from tuirunbook.wiring import ci as wiring_ci
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.ci import ci_sources, fetch_error
from tuirunbook.wiring.front import WiredFront
from tuirunbook.wiring.opening import Opening
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem

BACKEND = 'terraform {{\n  backend "s3" {{\n    bucket = "acme-tfstate"\n    key = "{key}"\n  }}\n}}\n'


@pytest.fixture
def cloned(tmp_path: Path) -> Path:
    top = tmp_path / "infra"
    for name in ("prod", "staging"):
        (top / "infra" / name).mkdir(parents=True)
        (top / "infra" / name / "main.tf").write_text(BACKEND.format(key=f"{name}/terraform.tfstate"))
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    return top


def remote(top: Path, address: str, name: str = "origin") -> None:
    subprocess.run(["git", "-C", str(top), "remote", "add", name, address], check=True)


def root(top: Path | None) -> RootModule:
    return RootModule(
        directory=str(top / "infra" / "prod") if top else None,
        name="infra/prod",
        checkout=str(top) if top else None,
        backend=Backend(
            type="s3", arguments={"bucket": "acme-tfstate", "key": "prod/terraform.tfstate", "region": "eu-west-1"}
        ),
    )


def chosen(top: Path | None, env: Mapping[str, str] | None = None, codebuild: Any = None) -> list[str]:
    return [source.name for source in ci_sources(root(top), {**os.environ, **(env or {})}, codebuild)][:-1]


def everything(sources: tuple[EvidenceSource, ...], who: str = "runner@runnervmwhb2z") -> dict[str, Finding]:
    return {finding.key: finding for source in sources for finding in source.gather(stored(who), ADDRESS, NOW)}


def test_a_remote_on_github_leads_to_its_actions_and_gh_is_asked(
    cloned: Path, github: GitHubServer, served: Serving, tmp_path: Path
) -> None:
    remote(cloned, "git@github.com:acme/infra.git")
    stand_in(tmp_path / "bin", "gh", served.url, "github.com")
    github.add_run(812, status="in_progress", conclusion=None)
    running = {"status": "in_progress", "conclusion": None, "completed_at": None}
    github.add_job(812, 1, **running)
    github.add_job(812, 2, name="apply (infra/staging)", **running)
    env = environ(tmp_path / "bin")
    env["PATH"] += os.pathsep + os.environ["PATH"]
    found = everything(ci_sources(root(cloned), env))
    assert found["ci.github.active"].says is Says.BLOCKS
    assert "infra/staging" in found["ci.github.folded"].fact
    assert "by gh" in found["ci.github.active"].source
    assert found["ci.unasked"].says is Says.NOTHING


def test_without_a_login_the_finding_says_exactly_what_to_set(cloned: Path, tmp_path: Path) -> None:
    remote(cloned, "git@github.com:acme/infra.git")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GH_CONFIG_DIR": str(tmp_path)}
    found = everything(ci_sources(root(cloned), env))["ci.github.asked"]
    assert found.says is Says.UNKNOWN
    assert "gh auth login --hostname github.com" in found.fact
    assert "set GH_TOKEN" in found.fact


def test_a_login_that_is_made_meanwhile_is_found(cloned: Path, served: Serving, tmp_path: Path) -> None:
    remote(cloned, "git@github.com:acme/infra.git")
    env = environ(tmp_path / "bin")
    env["PATH"] += os.pathsep + os.environ["PATH"]
    sources = ci_sources(root(cloned), env)
    assert everything(sources)["ci.github.asked"].says is Says.UNKNOWN
    stand_in(tmp_path / "bin", "gh", served.url, "github.com")
    assert everything(sources)["ci.github.asked"].says is Says.NOTHING


@pytest.mark.parametrize(
    ("address", "files", "names"),
    [
        ("git@gitlab.com:acme/infra.git", (), ["GitLab CI of acme/infra (gitlab.com)"]),
        ("git@github.com:acme/infra.git", (".gitlab-ci.yml",), ["GitHub Actions of acme/infra (github.com)"]),
        ("git@git.acme.test:acme/infra.git", (".gitlab-ci.yml",), ["GitLab CI of acme/infra (git.acme.test)"]),
        (
            "git@git.acme.test:acme/infra.git",
            (".github/workflows/x.yml",),
            ["GitHub Actions of acme/infra (git.acme.test)"],
        ),
        ("git@git.acme.test:acme/infra.git", (), []),
        ("git@ssh.dev.azure.com:v3/acme/Platform/infra", (), ["Azure Pipelines of acme/Platform/infra"]),
        ("git@bitbucket.org:acme/infra.git", ("Jenkinsfile",), ["Jenkins"]),
        ("git@bitbucket.org:acme/infra.git", (".circleci/config.yml",), ["CircleCI of acme/infra"]),
        ("git@bitbucket.org:acme/infra.git", (".buildkite/pipeline.yml", "atlantis.yaml"), ["Buildkite", "Atlantis"]),
    ],
)
def test_systems_are_chosen_from_remotes_and_ci_files(
    cloned: Path, address: str, files: tuple[str, ...], names: list[str]
) -> None:
    remote(cloned, address)
    for file in files:
        (cloned / file).parent.mkdir(parents=True, exist_ok=True)
        (cloned / file).write_text("on: push\n")
    assert chosen(cloned) == names


def test_two_remotes_of_one_kind_have_keys_of_their_own(cloned: Path) -> None:
    remote(cloned, "git@github.com:acme/infra.git", "upstream")
    remote(cloned, "git@github.com:mo/infra.git")
    sources = [
        source for source in ci_sources(root(cloned), {"PATH": os.environ["PATH"]}) if isinstance(source, CiSource)
    ]
    assert [source._system.key for source in sources] == ["github", "github-2"]
    assert "mo/infra" in sources[0].name


def test_codebuild_is_asked_where_a_buildspec_is_and_aws_is(cloned: Path) -> None:
    (cloned / "buildspec.yml").write_text("version: 0.2\n")
    assert chosen(cloned) == []
    assert chosen(cloned, codebuild=lambda: None) == ["CodeBuild in eu-west-1"]


def test_variables_lead_to_systems_without_a_checkout() -> None:
    assert chosen(None, {"ATLANTIS_URL": "https://atlantis.acme.test"}) == ["Atlantis"]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("runner@fv-az881-525", "GitHub's hosted runners"),
        ("root@runner-t3qyxf-project-7120-concurrent-0", "GitLab's runners"),
        ("atlantis@atlantis-0", "Set ATLANTIS_URL"),
        ("vsts@fv-az635-78", "Azure Pipelines"),
        ("alice@laptop\x1b[2J", "no CI system was asked"),
        ("", "no CI system was asked"),
    ],
)
def test_what_who_hints_at_and_nobody_asked_is_told(who: str, words: str) -> None:
    found = everything(ci_sources(root(None), {}), who)["ci.unasked"]
    assert found.says is Says.UNKNOWN
    assert words in found.fact
    assert "\x1b" not in found.fact


def test_what_a_slow_server_is_asked_is_asked_at_once(github: GitHubServer) -> None:
    together = threading.Barrier(3)

    def slow(asked: Asked) -> Reply:
        if asked.path.endswith("/jobs"):
            # The first three wait for each other; that none of them waits in vain shows that they were asked at once.
            with contextlib.suppress(threading.BrokenBarrierError):
                met.append(together.wait(30))
                together.abort()
        return github(asked)

    met: list[int] = []
    for number in range(10):
        github.add_run(number, status="in_progress", conclusion=None)
        github.add_job(number, number, status="in_progress", conclusion=None, completed_at=None)
    from tests.evidence.ci.conftest import gather  # noqa: PLC0415
    from tests.evidence.ci.test_github import system  # noqa: PLC0415

    with serving(slow) as server:
        gather(system(server))
    assert met


def test_the_address_of_a_run_is_read_with_error(
    github: GitHubServer, served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path / "bin", "gh", served.url, "github.com")
    github.add_run(812, conclusion="failure")
    github.add_job(812, 1, conclusion="failure")
    github.logs[1] = REFUSED
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + os.environ["PATH"])
    assert diagnose(read_text("https://github.com/acme/infra/actions/runs/812")).kind is Kind.HELD


def test_an_address_that_cannot_be_read_is_a_problem_with_a_next_step() -> None:
    with pytest.raises(Problem) as caught:
        fetch_error("https://github.com/acme/infra/actions/runs/812", {"PATH": "/nowhere"})
    assert caught.value.sentence == "There is no login for github.com."
    assert "set GH_TOKEN" in caught.value.next_step


def test_a_server_that_is_down_costs_a_finding_and_nothing_else(cloned: Path, tmp_path: Path) -> None:
    remote(cloned, "git@github.com:acme/infra.git")
    with serving(lambda _: as_json({}, 503)) as server:
        stand_in(tmp_path / "bin", "gh", server.url, "github.com")
        env = environ(tmp_path / "bin")
        env["PATH"] += os.pathsep + os.environ["PATH"]
        found = everything(ci_sources(root(cloned), env))
    assert list(found) == ["ci.github.asked", "ci.unasked"]
    assert "answered with error 503" in found["ci.github.asked"].fact


def test_a_walk_asks_the_systems_of_its_checkout(cloned: Path, tmp_path: Path) -> None:
    remote(cloned, "git@github.com:acme/infra.git")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    adapters = Adapters(Options(start=str(cloned / "infra" / "prod")), env)
    found = WiredFront(adapters).find()
    assert isinstance(found, RootModule)
    names = [source.name for source in Opening(adapters).world(found).sources]
    assert {"GitHub Actions of acme/infra (github.com)", "other CI systems"} <= set(names)


def test_an_abbreviated_remote_is_what_git_makes_of_it(cloned: Path) -> None:
    subprocess.run(["git", "-C", str(cloned), "config", "url.git@github.com:.insteadOf", "our:"], check=True)
    remote(cloned, "our:acme/infra.git")
    assert chosen(cloned) == ["GitHub Actions of acme/infra (github.com)"]


def test_a_host_at_the_beginning_of_a_problem_stays_as_it_is_written() -> None:
    with pytest.raises(Problem) as caught:
        fetch_error("https://example.test/x", {})
    assert caught.value.sentence.startswith("https://example.test/x is not")


def test_an_error_that_was_read_from_an_address_keeps_it_and_one_from_a_file_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = "https://github.com/acme/infra/actions/runs/812"
    monkeypatch.setattr(wiring_ci, "fetch_error", lambda address, _: f"the log behind {address}")
    fetched = with_error(Options(), link)
    assert (fetched.error, fetched.error_link) == (f"the log behind {link}", link)
    (tmp_path / "ci.log").write_text("boom")
    saved = with_error(Options(), str(tmp_path / "ci.log"))
    assert (saved.error, saved.error_link) == ("boom", "")


@pytest.mark.parametrize(
    ("given", "address"), [("https://x", True), ("ci.log", False), ("-", False), ("./https://x", False)]
)
def test_what_is_an_address_and_what_a_file(given: str, *, address: bool) -> None:
    assert is_address(given) is address
