"""Which state a terraform, tofu or terragrunt process works on, by what its arguments and its data directory tell.

A running terraform uses the configuration that `init` saved, or it refuses to start; so that names its state. That a
process works on no other state is only sure where nothing may have changed what it read when it started.
Source: Terraform 1.11 `main.go`, `command/workdir`, `command/meta_backend.go`.
"""

from __future__ import annotations

import enum
import itertools
import posixpath
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX, DEFAULT_WORKSPACE, StateAddress, join_key

HARMLESS = frozenset(
    {"fmt", "validate", "version", "providers", "output", "show", "graph", "get", "login", "logout", "metadata"}
)
"""Commands that take no lock."""

_WORKING = frozenset({"apply", "destroy", "plan", "refresh", "import", "state", "console", "taint", "untaint"})
"""Commands that lock the state that is saved and selected, and no other; `init` and `workspace` lock others too."""

_COMMANDS = HARMLESS | _WORKING | {"init", "workspace", "force-unlock", "test", "run-all", "run", "stack"}
_EVERYWHERE = frozenset({"run-all", "stack", "--all", "-all", "apply-all", "plan-all", "destroy-all"})
_TAKE_A_VALUE = frozenset(
    {"var", "var-file", "target", "target-file", "exclude", "exclude-file", "replace", "lock-timeout", "parallelism"}
    | {"state", "state-out", "backup", "out", "generate-config-out"}
)
_WORKING_DIRECTORY = ("chdir", "working-dir", "terragrunt-working-dir")
_INEXACT = timedelta(seconds=1)
"""How exactly Linux tells when a process started: it counts from the boot, whose time it tells in whole seconds."""
_MOST_UNITS = 200
_MOST_BYTES = 1 << 20


class Relation(enum.Enum):
    """What a process has to do with a state."""

    SAME = "works on this state"
    PERHAPS = "may work on this state, though what its directory tells is of another"
    OTHER = "works on another state"
    UNTOLD = "may work on this state: which one it works on cannot be told"


class SavedState(msgspec.Struct, frozen=True, kw_only=True):
    """A state that a data directory names; `backend` alone where that is not S3's.

    Attributes:
        backend: The backend's type.
        bucket: Its bucket.
        key: The key of the state object, the workspace in it.
        endpoint: The S3 endpoint that it is kept at, or None where none is named.
    """

    backend: str
    bucket: str = ""
    key: str = ""
    endpoint: str | None = None

    @property
    def words(self) -> str:
        """The state in a few words."""
        return f"s3://{self.bucket}/{self.key}" if self.backend == "s3" else f"a state of the backend {self.backend}"


class WorksOn(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the states that a process works on.

    Attributes:
        states: Those that its directories name.
        surely: Whether it works on no other.
        indirectly: Whether it is a terragrunt: its terraforms hold the locks, and it may send them elsewhere.
    """

    states: tuple[SavedState, ...] = ()
    surely: bool = False
    indirectly: bool = False

    def relation(self, address: StateAddress) -> Relation:
        """What the process has to do with the state at this address."""
        found = {_relation(state, address) for state in self.states}
        if Relation.SAME in found:
            return Relation.SAME
        if not self.surely or not found or Relation.UNTOLD in found:
            return Relation.UNTOLD
        return Relation.PERHAPS if self.indirectly or Relation.PERHAPS in found else Relation.OTHER


UNTOLD = WorksOn()


def command_of(arguments: Sequence[str]) -> str:
    """The subcommand in a process's arguments, or empty where none of the known ones is among them."""
    return next((word for word in arguments[1:] if word in _COMMANDS), "")


def works_on(
    arguments: Sequence[str], environ: Mapping[str, str], directory: Path, started: datetime, *, terragrunt: bool
) -> WorksOn:
    """What a process works on. All of it must be readable, and in the file system as we see it.

    Args:
        arguments: Its arguments, its name first.
        environ: Its environment.
        directory: Its working directory; terraform has already gone where `-chdir` sent it.
        started: When it started.
        terragrunt: Whether it is a terragrunt, which works on its units.
    """
    states: list[SavedState] = []
    surely = _stays(arguments, environ, terragrunt=terragrunt)
    name = environ.get("TF_DATA_DIR") or ".terraform"
    for place in _places(directory, arguments, terragrunt=terragrunt):
        data = place / name
        try:
            if not (data / "terraform.tfstate").exists():
                continue
            state = _read(data, environ)
            surely = surely and state is not None and _unchanged(data, started)
        except (OSError, ValueError, RecursionError):
            surely = False
            continue
        if state is not None:
            states.append(state)
    return WorksOn(states=tuple(dict.fromkeys(states)), surely=surely and bool(states), indirectly=terragrunt)


def _places(directory: Path, arguments: Sequence[str], *, terragrunt: bool) -> Iterator[Path]:
    """The directories that it may work in."""
    roots = [directory, *(directory / path for path in _sent_to(arguments))]
    yield from roots
    if terragrunt:
        for root in roots:
            caches = (root / ".terragrunt-cache").glob("*/*/**/.terraform")
            yield from (data.parent for data in itertools.islice(caches, _MOST_UNITS))


def _sent_to(arguments: Sequence[str]) -> Iterator[str]:
    for word, after in itertools.zip_longest(arguments[1:], arguments[2:], fillvalue=""):
        option, equals, value = word.partition("=")
        if option.startswith("-") and option.lstrip("-") in _WORKING_DIRECTORY and (value or (after and not equals)):
            yield value or after


def _stays(arguments: Sequence[str], environ: Mapping[str, str], *, terragrunt: bool) -> bool:
    """Whether the command works on the saved and selected state alone; a plan file brings its own configuration."""
    if terragrunt:
        return _EVERYWHERE.isdisjoint(arguments)
    command = command_of(arguments)
    if command not in _WORKING | HARMLESS:
        return False
    after = [*arguments[arguments.index(command, 1) + 1 :]]
    try:
        for variable in ("TF_CLI_ARGS", f"TF_CLI_ARGS_{command}"):
            after += shlex.split(environ.get(variable, ""))
    except ValueError:
        return False
    return command != "apply" or not _positional(after)


def _positional(words: Iterable[str]) -> list[str]:
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word.lstrip("-") in _TAKE_A_VALUE
        else:
            found.append(word)
    return found


def _read(data: Path, environ: Mapping[str, str]) -> SavedState | None:
    """The state that a data directory names, or None where it is not whole."""
    document = msgspec.json.decode(_content(data / "terraform.tfstate"))
    if not isinstance(document, dict):
        return None
    backend = document.get("backend")
    if not isinstance(backend, dict):
        return SavedState(backend="state_store") if isinstance(document.get("state_store"), dict) else None
    kind, config = backend.get("type"), backend.get("config")
    if not isinstance(kind, str) or not kind:
        return None
    if kind != "s3":
        return SavedState(backend=kind)
    if not isinstance(config, dict):
        return None
    bucket, key, prefix = config.get("bucket"), config.get("key"), config.get("workspace_key_prefix")
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        return None
    prefix = prefix if isinstance(prefix, str) else DEFAULT_KEY_PREFIX
    whole = join_key(prefix, _workspace(data, environ), key)
    return SavedState(backend=kind, bucket=bucket, key=whole, endpoint=_endpoint(config, environ))


def _content(path: Path) -> bytes:
    if not path.is_file():  # a pipe would be waited for
        raise ValueError("not a file")
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _workspace(data: Path, environ: Mapping[str, str]) -> str:
    if environ.get("TF_WORKSPACE"):
        return environ["TF_WORKSPACE"]
    selected = data / "environment"
    return (_content(selected).decode().strip() if selected.exists() else "") or DEFAULT_WORKSPACE


def _endpoint(config: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    block = config.get("endpoints")
    if isinstance(block, list) and block:
        block = block[0]
    named = (
        block.get("s3") if isinstance(block, dict) else None,
        config.get("endpoint"),
        *(environ.get(name) for name in ("AWS_ENDPOINT_URL_S3", "AWS_S3_ENDPOINT", "AWS_ENDPOINT_URL")),
    )
    return next((value for value in named if isinstance(value, str) and value), None)


def _unchanged(data: Path, started: datetime) -> bool:
    """Whether a process that started then has read what is there now: another `init` or `workspace select` may follow.

    A file's change time is not carried along by copies; the directory's tells of files that were taken away.
    """
    paths = [data, *(data / name for name in ("terraform.tfstate", "environment") if (data / name).exists())]
    latest = max(path.stat().st_ctime for path in paths)
    return datetime.fromtimestamp(latest, UTC) < started - _INEXACT


def _relation(state: SavedState, address: StateAddress) -> Relation:
    if state.backend != "s3" or _clean(state.key) != _clean(address.state_key):
        return Relation.OTHER
    if state.bucket != address.bucket:
        # an access point is another name of a bucket
        alias = any(":" in name or name.endswith("-s3alias") for name in (state.bucket, address.bucket))
        return Relation.UNTOLD if alias else Relation.OTHER
    ours, theirs = _port(address.s3_endpoint), _port(state.endpoint)
    # hosts have many names, so only ports tell two services apart, and those may be forwarded
    return Relation.PERHAPS if ours and theirs and ours != theirs else Relation.SAME


def _port(url: str | None) -> int | None:
    try:
        return urlsplit(url).port if url else None
    except ValueError:
        return None


def _clean(key: str) -> str:
    return posixpath.normpath(key).lstrip("/")
