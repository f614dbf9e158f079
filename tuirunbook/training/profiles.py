"""Who the trainee is: the profiles of their shell, each in an account of the practice AWS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tuirunbook.core.scenario import HOME_ACCOUNT, Mode, PracticeProfile
from tuirunbook.training.aws import ACCESS_KEY, REGION, SECRET_KEY, EmbeddedAws
from tuirunbook.training.checkout import TABLE
from tuirunbook.training.identities import Identity

_ONLY = PracticeProfile(name="")
_SESSION = "trainee"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class Profiles:
    """The profiles of one scenario. Where it has none, the trainee has keys in the environment and one account.

    Args:
        told: What the scenario says.
        directory: Where the configuration file goes.
        environ: The environment of the world.

    Attributes:
        current: The profile in effect.
    """

    def __init__(self, told: Sequence[PracticeProfile], directory: Path, environ: Mapping[str, str]) -> None:
        self.current = told[0] if told else _ONLY
        self._told = tuple(told)
        self._config = directory / "aws-config"
        self._environ = dict(environ)

    @property
    def names(self) -> tuple[str, ...]:
        """What they are called."""
        return tuple(profile.name for profile in self._told)

    def create(self, aws: EmbeddedAws, mode: Mode) -> None:
        """Let AWS know them, and give every other account a lock table of the same name, with no lock in it."""
        aws.identities[ACCESS_KEY] = Identity(_ONLY.account, _ONLY.role, _SESSION)
        for number, profile in enumerate(self._told):
            key = _key(number)
            aws.identities[key] = Identity(profile.account, profile.role, _SESSION, profile.alias)
            if profile.account != HOME_ACCOUNT:
                if mode is not Mode.LOCKFILE:
                    aws.create_table(TABLE, key)
                for action in ("PutObject", "DeleteObject"):
                    aws.deny(action, access_key=key)
        if self._told:
            self._config.write_text("\n".join(map(_section, range(len(self._told)), self._told)), "utf-8")

    def choose(self, name: str) -> None:
        """Be somebody else, by one of `names`."""
        self.current = self._told[self.names.index(name)]

    def access_key(self, name: str = "") -> str:
        """The access key of a profile; of the one in effect, unless one of `names` is named."""
        return _key(self.names.index(name or self.current.name)) if self._told else ACCESS_KEY

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the trainee's shell."""
        if not self._told:
            return dict(self._environ)
        kept = {name: value for name, value in self._environ.items() if name not in _KEYS}
        return {**kept, "AWS_CONFIG_FILE": str(self._config), "AWS_PROFILE": self.current.name}


def _key(number: int) -> str:
    """The access key of the profile with this number."""
    return f"AKIAPRACTICEPROFIL{number:02}"


def _section(number: int, profile: PracticeProfile) -> str:
    return (
        f"[profile {profile.name}]\nregion = {REGION}\n"
        f"aws_access_key_id = {_key(number)}\naws_secret_access_key = {SECRET_KEY}\n"
    )
