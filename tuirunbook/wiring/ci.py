"""Which CI systems are asked about a root module, and the log behind an address."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuirunbook.core.backend import RootModule
from tuirunbook.core.ci import Target
from tuirunbook.core.timeline import capital
from tuirunbook.wiring.problem import Problem

if TYPE_CHECKING:
    from tuirunbook.evidence.ci.definitions import Workflow
    from tuirunbook.evidence.ci.remote import Remote
    from tuirunbook.evidence.ci.source import CiSource, System
    from tuirunbook.evidence.ci.unasked import UnaskedCi

_MOST_REMOTES = 3
_AZURE = "dev.azure.com"

Chosen = tuple[str, str, Callable[[], "System"]]


def ci_sources(
    root: RootModule, environ: Mapping[str, str], codebuild: Callable[[], Any] | None = None
) -> tuple[CiSource | UnaskedCi, ...]:
    """The CI systems that may have run this root: by the remotes and CI files of its checkout, and by what is set.

    Nothing is asked yet, and no login looked for, but git for the remotes.

    Args:
        root: The root module.
        environ: The environment.
        codebuild: Makes boto3's CodeBuild client with the credentials that the locks are read with; None without.
    """
    from tuirunbook.evidence.ci.source import CiSource, Lazily  # noqa: PLC0415 - adapters are imported when needed
    from tuirunbook.evidence.ci.unasked import UnaskedCi  # noqa: PLC0415 - likewise

    checkout = Path(root.checkout) if root.checkout else None
    remotes = _remotes(checkout, environ) if checkout else []
    target = _target(root, checkout)
    keys: list[str] = []
    sources: list[CiSource | UnaskedCi] = []
    for key, name, connect in _chosen(root, checkout, remotes, environ, codebuild):
        several = sum(one == key or one.startswith(f"{key}-") for one in keys)
        keys.append(f"{key}-{several + 1}" if several else key)
        sources.append(CiSource(Lazily(keys[-1], name, connect), target, asks_aws=key == "codebuild"))
    return (*sources, UnaskedCi(keys))


def fetch_error(link: str, environ: Mapping[str, str]) -> str:
    """The log behind the address of a run, a job or a pull request.

    Raises:
        Problem: It cannot be read; what to do is said.
    """
    from tuirunbook.evidence.ci.links import fetch  # noqa: PLC0415 - adapters are imported when they are needed
    from tuirunbook.evidence.ci.transport import NotAskedError  # noqa: PLC0415 - likewise

    try:
        return fetch(link, environ).text
    except NotAskedError as error:
        raise Problem(f"{capital(error.sentence)}.", error.how or "Save the log to a file and give that.") from None


def _remotes(checkout: Path, environ: Mapping[str, str]) -> list[Remote]:
    """The checkout's remotes, `origin` first. Asking git takes 3 ms where importing GitPython takes 100."""
    from tuirunbook.evidence.ci.remote import parse_remote  # noqa: PLC0415 - adapters are imported when needed

    command = ["git", "-C", str(checkout), "remote", "--verbose"]
    try:
        asked = subprocess.run(  # noqa: S603 - an argument list; the git on PATH is the one meant
            command, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    lines = asked.stdout.decode("utf-8", "replace").splitlines()
    named = [line.removesuffix(" (fetch)").partition("\t") for line in lines if line.endswith(" (fetch)")]
    named.sort(key=lambda entry: entry[0] != "origin")
    found = [remote for _, _, url in named if (remote := parse_remote(url)) is not None]
    return list(dict.fromkeys(found))[:_MOST_REMOTES]


def _target(root: RootModule, checkout: Path | None) -> Callable[[], Target]:
    """The state's place among the roots of its checkout; the others are looked for when a system was asked."""

    @cache
    def target() -> Target:
        from tuirunbook.repository import roots_below  # noqa: PLC0415 - adapters are imported when they are needed

        if checkout is None or root.directory is None:
            return Target(names=(), workspace=root.workspace)
        directory = Path(root.directory)
        others = [relative(one) for one in roots_below(checkout) if one.resolve() != directory.resolve()]
        return Target(
            names=(), root=relative(directory), workspace=root.workspace, others=tuple(one for one in others if one)
        )

    def relative(path: Path) -> str:
        assert checkout is not None  # noqa: S101 - only asked with one
        try:
            found = path.resolve().relative_to(checkout.resolve()).as_posix()
        except ValueError:
            return ""
        return "" if found == "." else found

    return target


def _chosen(
    root: RootModule,
    checkout: Path | None,
    remotes: list[Remote],
    environ: Mapping[str, str],
    codebuild: Callable[[], Any] | None,
) -> Iterator[Chosen]:
    for remote in remotes:
        yield from _of_host(remote, checkout, environ)
    yield from _of_files(remotes[0] if remotes else None, checkout, environ)
    if codebuild is not None and checkout is not None and any(checkout.glob("buildspec*.y*ml")):
        region = root.backend.text("region") or ""
        yield "codebuild", f"CodeBuild in {region}", lambda: _codebuild(codebuild, region, remotes)


def _of_host(remote: Remote, checkout: Path | None, environ: Mapping[str, str]) -> Iterator[Chosen]:
    """What the host of a remote runs itself; of an unknown host, the CI files say which kind it is."""
    match _kind(remote.host, checkout):
        case "azure":
            yield "azure", f"Azure Pipelines of {remote.path}", lambda: _azure(remote, checkout, environ)
        case "gitlab":
            yield "gitlab", f"GitLab CI of {remote.path} ({remote.host})", lambda: _gitlab(remote, checkout, environ)
        case "github":
            name = f"GitHub Actions of {remote.path} ({remote.host})"
            yield "github", name, lambda: _github(remote, checkout, environ)


def _kind(host: str, checkout: Path | None) -> str:
    known = {_AZURE: "azure", "github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": ""}
    if host in known:
        return known[host]
    if "github" in host or host.endswith(".ghe.com"):
        return "github"
    if "gitlab" in host or (checkout is not None and (checkout / ".gitlab-ci.yml").is_file()):
        return "gitlab"
    return "github" if checkout is not None and (checkout / ".github" / "workflows").is_dir() else ""


def _of_files(remote: Remote | None, checkout: Path | None, environ: Mapping[str, str]) -> Iterator[Chosen]:
    """What CI files and variables of the environment lead to."""

    def has(*names: str) -> bool:
        return checkout is not None and any((checkout / name).exists() for name in names)

    if has("Jenkinsfile") or environ.get("JENKINS_URL"):
        yield "jenkins", "Jenkins", lambda: _jenkins(remote, environ)
    if has(".buildkite") or environ.get("BUILDKITE_API_TOKEN"):
        yield "buildkite", "Buildkite", lambda: _buildkite(remote, environ)
    if remote is not None and has(".circleci/config.yml"):
        yield "circleci", f"CircleCI of {remote.path}", lambda: _circleci(remote, checkout, environ)
    if has("atlantis.yaml", "atlantis.yml") or environ.get("ATLANTIS_URL"):
        yield "atlantis", "Atlantis", lambda: _atlantis(remote, environ)
    if has("azure-pipelines.yml", "azure-pipelines.yaml") and (remote is None or remote.host != _AZURE):
        yield "azure", "Azure Pipelines", _azure_elsewhere


def _github(remote: Remote, checkout: Path | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import definitions, github, login  # noqa: PLC0415 - only what is asked is imported

    return github.GitHub(remote, login.github(remote.host, environ), definitions.workflows(checkout))


def _gitlab(remote: Remote, checkout: Path | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import definitions, gitlab, login  # noqa: PLC0415 - likewise

    return gitlab.GitLab(remote, login.gitlab(remote.host, environ), definitions.gitlab_pipeline(checkout))


def _azure(remote: Remote, checkout: Path | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import azure  # noqa: PLC0415 - likewise

    transport = azure.connect(remote.path.partition("/")[0], environ)
    return azure.Azure(remote, transport, _file(checkout, "azure-pipelines.yml"))


def _azure_elsewhere() -> System:
    from tuirunbook.evidence.ci.transport import NotAskedError  # noqa: PLC0415 - likewise

    raise NotAskedError(
        "which organisation and project at Azure DevOps run this repository is not known",
        "Look at dev.azure.com yourself, or add the project's own repository as a remote.",
    )


def _jenkins(remote: Remote | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import jenkins  # noqa: PLC0415 - likewise

    return jenkins.Jenkins(jenkins.from_environment(environ), remote)


def _buildkite(remote: Remote | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import buildkite  # noqa: PLC0415 - likewise

    transport, organisation = buildkite.from_environment(environ)
    return buildkite.Buildkite(transport, organisation, remote)


def _circleci(remote: Remote, checkout: Path | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import circleci  # noqa: PLC0415 - likewise

    return circleci.CircleCi(remote, circleci.from_environment(environ), _file(checkout, ".circleci/config.yml"))


def _atlantis(remote: Remote | None, environ: Mapping[str, str]) -> System:
    from tuirunbook.evidence.ci import atlantis  # noqa: PLC0415 - likewise

    transport, url = atlantis.from_environment(environ)
    return atlantis.Atlantis(transport, url, remote)


def _codebuild(client: Callable[[], Any], region: str, remotes: list[Remote]) -> System:
    from tuirunbook.evidence.ci import codebuild  # noqa: PLC0415 - likewise

    return codebuild.CodeBuild(client, region, remotes[0] if remotes else None)


def _file(checkout: Path | None, name: str) -> Workflow | None:
    from tuirunbook.evidence.ci import definitions  # noqa: PLC0415 - likewise

    text = definitions.read_text(checkout / name) if checkout else None
    return definitions.github_workflow(name, text) if text is not None else None
