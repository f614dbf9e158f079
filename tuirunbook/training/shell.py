"""The practice shell: the raw commands that people reach for under pressure. Nothing stands in the way."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from tuirunbook.core.score import is_raw_release
from tuirunbook.training.aws import EmbeddedAws
from tuirunbook.training.checkout import BUCKET, TABLE
from tuirunbook.training.ground import Ground
from tuirunbook.training.holders import HolderError, run

HELP = f"""\
This shell is practice: it reaches the practice AWS and the practice checkout, and nothing else. What it does, it does.
  aws dynamodb scan --table-name {TABLE}
  aws dynamodb get-item|delete-item --table-name {TABLE} --key '{{"LockID": {{"S": "…"}}}}'
  aws s3 ls [s3://BUCKET[/PREFIX]]      aws s3 rm s3://BUCKET/KEY
  aws s3api get-object|delete-object --bucket {BUCKET} --key KEY
  terraform plan | state list | force-unlock ID | workspace list|select NAME | version
  aws sts get-caller-identity      aws configure list-profiles      export AWS_PROFILE=NAME
  git log      cd ROOT      ls      help"""
_TERRAFORM = ("plan", "state", "force-unlock", "workspace", "version", "init", "show", "output")
_GIT = ("log", "show", "status", "diff", "blame")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a command came to.

    Attributes:
        output: What it printed.
        released: The lock IDs that were there before it and were gone after it.
        moved: Who the trainee is from now on, when that changed.
        environ: The trainee's environment then.
    """

    output: str
    released: tuple[str, ...] = ()
    moved: str = ""
    environ: Mapping[str, str] = {}


class Shell:
    """Runs one command line after the other.

    Args:
        ground: The world.
        aws: Its AWS.
    """

    def __init__(self, ground: Ground, aws: EmbeddedAws) -> None:
        self._ground = ground
        self._aws = aws
        self._profiles = ground.profiles
        self._directory = ground.directory(ground.scenario.roots[0])

    def run(self, line: str) -> Said:
        """Run one line. There is no shell behind it: no pipes, no variables, only these programs."""
        try:
            words = shlex.split(line)
        except ValueError as error:
            return Said(output=f"this cannot be read: {error}")
        if not words:
            return Said(output="")
        if (name := _profile_chosen(words)) is not None:
            return self._become(name)
        before = self._locks() if is_raw_release(line) else {}
        output = self._output(words)
        after = self._locks() if before else {}
        gone = tuple(lock for key, locks in before.items() for lock in locks if lock not in after.get(key, ()))
        return Said(output=output, released=tuple(dict.fromkeys(gone)))

    def _output(self, words: Sequence[str]) -> str:
        programs: Mapping[str, Callable[[Sequence[str]], str]] = {
            "aws": self._run_aws,
            "terraform": self._terraform,
            "git": self._git,
            "cd": self._cd,
            "ls": lambda _: "\n".join(sorted(path.name for path in self._directory.iterdir())),
            "help": lambda _: HELP,
        }
        if words[0] not in programs:
            return f"{words[0]}: not in this practice shell\n{HELP}"
        try:
            return programs[words[0]](words[1:])
        except (HolderError, OSError, subprocess.SubprocessError) as error:
            return str(error)

    def _become(self, name: str) -> Said:
        """Another profile, as when the tool is started again with it."""
        if name not in self._profiles.names:
            return Said(output=f"there is no profile {name!r}; there are: {self._profile_names()}")
        if name == self._profiles.current.name:
            return Said(output=f"AWS_PROFILE is {name} already")
        self._profiles.choose(name)
        now = self._profiles.current
        told = f"You are {now.role} in account {now.account} now ({name}). The walk begins anew there."
        return Said(output=told, moved=told, environ=self._profiles.environ)

    def _profile_names(self) -> str:
        return ", ".join(self._profiles.names) or "none: the keys are in the environment"

    def _locks(self) -> dict[str, list[str]]:
        keys = {held.key for held in self._ground.locks}
        return {key: [_told(raw) for raw in self._ground.stores.locks(key).values()] for key in keys}

    def _terraform(self, words: Sequence[str]) -> str:
        if not words or words[0] not in _TERRAFORM:
            return f"terraform {' '.join(words[:1])}: not in this practice shell; there are: {', '.join(_TERRAFORM)}"
        return run(self._directory, self._profiles.environ, *words, stdin=b"yes\n")[1]

    def _git(self, words: Sequence[str]) -> str:
        if not words or words[0] not in _GIT:
            return f"git: there are: {', '.join(_GIT)}"
        done = subprocess.run(  # noqa: S603 - an argument list, in an environment made from nothing
            ["git", "--no-pager", *words],  # noqa: S607 - the git on PATH is the one meant
            cwd=self._directory,
            env=self._ground.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=20,
            check=False,
        )
        return done.stdout.decode("utf-8", "replace")

    def _cd(self, words: Sequence[str]) -> str:
        target = self._ground.place.checkout / (words[0] if words else "")
        names = ", ".join(root.name for root in self._ground.scenario.roots)
        if not target.is_dir() or not target.resolve().is_relative_to(self._ground.place.checkout):
            return f"there are: {names}"
        self._directory = target.resolve()
        return f"in {self._directory.relative_to(self._ground.place.checkout)}"

    def _run_aws(self, words: Sequence[str]) -> str:
        command = " ".join(words[:2])
        given = _options(words[2:])
        if (profile := given.get("profile", "")) and profile not in self._profiles.names:
            return f"aws: the profile {profile!r} is not there; there are: {self._profile_names()}"
        key = self._profiles.access_key(profile)
        dynamodb, s3 = partial(self._aws.client, "dynamodb", key), partial(self._aws.client, "s3", key)
        calls: Mapping[str, Callable[[], Any]] = {
            "configure list-profiles": lambda: "\n".join(self._profiles.names) or self._profile_names(),
            "dynamodb scan": lambda: dynamodb().scan(TableName=given["table-name"])["Items"],
            "dynamodb get-item": lambda: dynamodb().get_item(**_item(given)).get("Item", {}),
            "dynamodb delete-item": lambda: dynamodb().delete_item(**_item(given)) and "",
            "s3 ls": lambda: _list(s3(), _first(words[2:])),
            "s3 rm": lambda: _remove(s3(), _first(words[2:])),
            "s3api get-object": lambda: s3().get_object(**_object(given))["Body"].read().decode("utf-8", "replace"),
            "s3api delete-object": lambda: s3().delete_object(**_object(given)) and "",
            "sts get-caller-identity": lambda: self._aws.client("sts", key).get_caller_identity()["Arn"],
        }
        if command not in calls:
            return f"aws {command}: not in this practice shell\n{HELP}"
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - AWS is loaded by its first user

        try:
            told = calls[command]()
        except KeyError as missing:
            return f"aws: the following arguments are required: --{missing.args[0]}"
        except (BotoCoreError, ClientError, ValueError) as error:
            return f"aws: {error}"
        return told if isinstance(told, str) else json.dumps(told, indent=2, default=str)


def _profile_chosen(words: Sequence[str]) -> str | None:
    """The profile that a line asks to be: `export AWS_PROFILE=x`, or the tool started anew with it."""
    if words[0] == "export" and len(words) > 1 and words[1].startswith("AWS_PROFILE="):
        return words[1].partition("=")[2]
    return _options(words[1:]).get("profile") if words[0] == "tflock-tui" else None


def _item(given: Mapping[str, str]) -> dict[str, Any]:
    return {"TableName": given["table-name"], "Key": json.loads(given["key"])}


def _object(given: Mapping[str, str]) -> dict[str, str]:
    return {"Bucket": given["bucket"], "Key": given["key"]}


def _first(words: Sequence[str]) -> str:
    return words[0] if words and not words[0].startswith("--") else ""


def _list(s3: Any, url: str) -> str:
    if not url:
        return "\n".join(one["Name"] for one in s3.list_buckets()["Buckets"])
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return "\n".join(one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ()))


def _remove(s3: Any, url: str) -> str:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not key:
        return "aws s3 rm: expected s3://BUCKET/KEY"
    s3.delete_object(Bucket=bucket, Key=key)
    return f"delete: {url}"


def _options(words: Sequence[str]) -> dict[str, str]:
    """`--name value` pairs; a flag without a value is empty."""
    found: dict[str, str] = {}
    for index, word in enumerate(words):
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            following = words[index + 1] if index + 1 < len(words) else ""
            found[name] = value if equals else "" if following.startswith("--") else following
    return found


def _told(raw: str) -> str:
    """The lock's ID, or its raw text where it has none."""
    try:
        told = json.loads(raw)
    except ValueError:
        return raw
    return str(told.get("ID", raw)) if isinstance(told, dict) else raw
