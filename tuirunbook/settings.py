"""What is set in files: the user's `config.toml`, and the repository's `.tflock/config.toml`.

A repository's settings are somebody else's: they may make this tool stricter at once, and say how its plan is run only
once its content was trusted (`tflock-tui trust`). They name no executable, endpoint, webhook or token's host (S14).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tuirunbook.core.holder import WhoRule
from tuirunbook.core.state import StateMapping

APP = "tflock-tui"
REPOSITORY_FILE = Path(".tflock/config.toml")
_MOST_BYTES = 1_000_000
_NAMED = re.compile(r"(?:unknown field `|at `\$\.)([\w-]+)")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")

T = TypeVar("T", bound="RepositorySettings | UserSettings")


class SettingsFileError(ValueError):
    """A settings file that cannot be used: `file:line: what is wrong`."""


class UserSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The user's own settings.

    Attributes:
        read_only: Refuse every change, plans included.
        program: `terraform`, `tofu`, `terragrunt` or a path.
        plan_args: Arguments that every plan gets.
        journal_dir: Where incidents are kept.
        theme: A Textual theme.
        keymap: Keys by command ID, as in `"step.next" = "space"`.
        operator: How the journal calls the person who walks.
        if_match_endpoints: S3 endpoints besides AWS's own that are known to honour `If-Match` on a delete.
        who: What is known about holders, by the `Who` of their locks; the first that matches counts.
        sources_off: Sources of evidence that are not asked, by how their names begin (`"kubernetes"`); what they would
            know counts as not checked.
        webhook: An incoming webhook of the team's channel, for messages that were shown first.
    """

    read_only: bool = False
    program: str | None = None
    plan_args: tuple[str, ...] = ()
    journal_dir: str | None = None
    theme: str | None = None
    keymap: Mapping[str, str] = {}
    operator: str | None = None
    if_match_endpoints: tuple[str, ...] = ()
    who: tuple[WhoRule, ...] = ()
    sources_off: tuple[str, ...] = ()
    webhook: str = ""


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A repository's settings.

    Attributes:
        read_only: Refuse every change; it needs no trust.
        plan_args: Arguments that a plan in this repository needs; they need trust.
        who: What the team knows about its holders; it needs trust.
        states: What the files of root modules do not tell about their states; it needs trust.
    """

    read_only: bool = False
    plan_args: tuple[str, ...] = ()
    who: tuple[WhoRule, ...] = ()
    states: tuple[StateMapping, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is set for one walk.

    Attributes:
        user: The user's.
        repository: The repository's, without what is not trusted.
        read_only: Where read-only was asked for, or empty.
        ignored: What was left out, and what to do about it; empty when nothing was.
    """

    user: UserSettings = UserSettings()
    repository: RepositorySettings = RepositorySettings()
    read_only: str = ""
    ignored: str = ""

    @property
    def plan_args(self) -> tuple[str, ...]:
        """The arguments of a plan, the repository's first, so that the user's win."""
        return (*self.repository.plan_args, *self.user.plan_args)

    @property
    def who(self) -> tuple[WhoRule, ...]:
        """What is known about holders, the user's own first, so that it wins."""
        return (*self.user.who, *self.repository.who)


def config_directory() -> Path:
    """The user's configuration directory."""
    import platformdirs  # noqa: PLC0415 - only who asks pays

    return platformdirs.user_config_path(APP)


def state_directory() -> Path:
    """Where incidents and trust are kept."""
    import platformdirs  # noqa: PLC0415 - only who asks pays

    return platformdirs.user_state_path(APP)


def read_settings(checkout: Path | None, *, read_only_flag: bool = False, trust: Trust | None = None) -> Settings:
    """The settings of the user and of a checkout.

    Raises:
        SettingsFileError: A file is not TOML, or sets something that is not a setting.
    """
    user_file = config_directory() / "config.toml"
    user = _parsed(user_file, raw, UserSettings) if (raw := _raw(user_file)) is not None else UserSettings()
    origins = ["--read-only"] if read_only_flag else []
    origins += [str(user_file)] if user.read_only else []
    repository, ignored = RepositorySettings(), ""
    if checkout is not None and (raw := _raw(file := checkout / REPOSITORY_FILE)) is not None:
        repository = found = _parsed(file, raw, RepositorySettings)
        origins += [str(REPOSITORY_FILE)] if found.read_only else []
        # What was read, not what the file holds by now.
        trusted = (trust or Trust.default()).trusts_content(file, raw)
        waiting = [name for name in ("plan_args", "who", "states") if getattr(found, name)]
        if waiting and not trusted:
            repository = RepositorySettings(read_only=found.read_only)
            what = " and ".join(waiting)
            ignored = f"{what} in {REPOSITORY_FILE} are not used until you trust that file: {APP} trust"
    return Settings(user=user, repository=repository, read_only=" and ".join(origins), ignored=ignored)


def _raw(path: Path) -> bytes | None:
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsFileError(f"{path}: cannot be read ({error.strerror})") from None
    if len(raw) > _MOST_BYTES:
        raise SettingsFileError(f"{path}: is {len(raw)} bytes long, which is not a settings file")
    return raw


def _parsed(path: Path, raw: bytes, kind: type[T]) -> T:
    import tomllib  # noqa: PLC0415 - most people have no settings

    try:
        text = raw.decode("utf-8")
        return msgspec.convert(tomllib.loads(text), kind)
    except UnicodeDecodeError:
        raise SettingsFileError(f"{path}: is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line = f"{place[1]}:{place[2]}:" if place else ""
        raise SettingsFileError(f"{path}:{line} {_PLACE.sub('', str(error)).strip()}") from None
    except msgspec.ValidationError as error:
        raise SettingsFileError(_explained(path, text, str(error), kind)) from None


def _explained(path: Path, text: str, problem: str, kind: type[Any]) -> str:
    named = _NAMED.search(problem)
    if named is None:
        return f"{path}: {problem}"
    name = named[1]
    key = re.compile(rf"\s*(?:\[+\s*)?[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    line = next((number for number, one in enumerate(text.splitlines(), 1) if key.match(one)), 1)
    if "unknown field" not in problem:
        return f"{path}:{line}: {name}: {problem.partition(' - at')[0]}"
    inner = WhoRule if "`$.who" in problem else kind
    known = ", ".join(sorted(field.name for field in msgspec.structs.fields(inner)))
    return f"{path}:{line}: {name} is not a setting here; there are: {known}"


class Trust:
    """Which files of checkouts were trusted, by their content: a changed file is a new one.

    Args:
        path: The file that remembers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def default(cls) -> Trust:
        """The user's own."""
        return cls(state_directory() / "trusted.json")

    def trusts(self, file: Path) -> bool:
        """Whether this file is trusted with the content that it has now. A file that cannot be read is not."""
        return self._trusts(file, content_hash(file))

    def trusts_content(self, file: Path, raw: bytes) -> bool:
        """Whether this file is trusted with this content."""
        return self._trusts(file, _digest(raw))

    def _trusts(self, file: Path, digest: str | None) -> bool:
        return digest is not None and self._known().get(str(file.absolute())) == digest

    def add(self, hashes: Mapping[Path, str]) -> None:
        """Trust these files with the content that these hashes are of.

        Raises:
            OSError: It could not be written down.
        """
        known = self._known() | {str(file.absolute()): digest for file, digest in hashes.items()}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=2, sort_keys=True)
        draft.replace(self._path)

    def untrusted(self, files: Iterable[str]) -> tuple[str, ...]:
        """Those of `files` that are not trusted."""
        return tuple(file for file in files if not self.trusts(Path(file)))

    def _known(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def content_hash(file: Path) -> str | None:
    """SHA-256 of a file's content, in hex; None when it cannot be read."""
    try:
        return _digest(file.read_bytes())
    except OSError:
        return None


def _digest(raw: bytes) -> str:
    import hashlib  # noqa: PLC0415 - most starts find nothing that needs trust

    return hashlib.sha256(raw).hexdigest()
