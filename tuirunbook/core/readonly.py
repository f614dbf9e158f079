"""What a runbook's `run` step may start: programs that look, given as argument lists (S14).

The list is checked when the runbook is loaded and again with its values filled in, just before it starts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_WORD = re.compile(r"[a-z][a-z0-9-]*")
_ENDING = re.compile(r"(?:\.(?:exe|cmd|bat|com|sh|py|pl|rb|js))?$")
_VERSION = re.compile(r"[-_.]?\d[\w.]*$")


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TERRAFORM = _names("terraform tofu opentofu terragrunt terramate atmos cdktf cdktn pulumi tfenv tenv tgenv")
_SHELLS = _names(
    "sh bash rbash zsh dash fish ash ksh mksh oksh yash csh tcsh posh nu elvish xonsh rc es busybox toybox pwsh "
    "powershell cmd wsl"
)
_INTERPRETERS = _names(
    "python pythonw pypy ipython perl ruby irb node nodejs deno bun php lua luajit tclsh wish expect awk gawk mawk "
    "nawk sed gsed dc m4 java jshell groovy scala kotlin r rscript julia ghc ghci runghc guile racket erl escript "
    "elixir iex swift osascript go cargo rustc dotnet gdb lldb sqlite3 sqlite psql mysql vi vim nvim view ex ed emacs "
    "nano less more man npx npm yarn pnpm uv uvx pip pipx poetry pdm bundle rake gem make gmake cmake ninja just task "
    "ant mvn gradle"
)
_LAUNCHERS = _names(
    "env xargs nohup time timeout gtimeout nice ionice setsid stdbuf sudo doas su runuser pkexec chroot unshare "
    "nsenter systemd-run at batch crontab watch parallel entr find gfind fd ssh mosh scp sftp rsync tar script tmux "
    "screen strace ltrace dtrace flock exec eval command builtin source coproc trap direnv aws-vault aws-okta saml2aws "
    "granted assume chamber dotenv op vault helm ansible ansible-playbook packer nomad nix nix-shell nix-build"
)
_WRITERS = _names(
    "rm rmdir mv cp ln dd tee truncate shred install chmod chown chgrp mkdir touch mkfifo kill pkill killall shutdown "
    "reboot halt poweroff curl wget http https xh nc ncat netcat socat telnet ftp open xdg-open gcloud gsutil s3cmd "
    "s5cmd rclone"
)
_STARTED = _TERRAFORM | _SHELLS | _names("python perl ruby node php lua awk env xargs sudo nohup busybox")
"""What is not named in the arguments of a program that nobody here knows."""
_LOOKERS = frozenset({"pgrep", "ps", "pidof", "which", "dig", "host", "nslookup"})
"""Programs that only take names, so that naming terraform to them starts nothing."""

_READS: dict[str, tuple[tuple[str, ...], ...]] = {
    "az": (("pipelines", "runs", "list"), ("pipelines", "runs", "show"), ("pipelines", "build", "list")),
    "docker": (("ps",), ("inspect",), ("logs",), ("images",), ("version",)),
    "gh": (
        ("run", "list"),
        ("run", "view"),
        ("workflow", "list"),
        ("workflow", "view"),
        ("pr", "list"),
        ("pr", "view"),
        ("pr", "checks"),
        ("issue", "list"),
        ("issue", "view"),
    ),
    "git": (("log",), ("show",), ("status",), ("rev-parse",), ("describe",), ("shortlog",), ("blame",), ("ls-files",)),
    "glab": (("ci", "list"), ("ci", "get"), ("ci", "status"), ("ci", "trace"), ("mr", "list"), ("mr", "view")),
    "kubectl": (("get",), ("describe",), ("logs",), ("top",), ("events",), ("version",)),
    "systemctl": (("status",), ("show",), ("is-active",), ("list-units",), ("list-timers",)),
}
_READS["podman"] = _READS["nerdctl"] = _READS["docker"]
_READS["oc"] = _READS["kubectl"]
_REFUSED_OPTIONS: dict[str, tuple[str, ...]] = {
    "git": ("--output", "--ext-diff", "--textconv"),
    "journalctl": ("--vacuum", "--rotate", "--flush", "--relinquish-var", "--setup-keys", "--update-catalog"),
    "kubectl": ("--kubeconfig", "--raw"),
    "oc": ("--kubeconfig", "--raw"),
    "aws": (
        "--endpoint-url",
        "--no-verify-ssl",
        "--no-sign-request",
        "--ca-bundle",
        "--debug",
        "--with-decryption",
        "--cli-input-json",
        "--cli-input-yaml",
        "--cli-auto-prompt",
    ),
}

_AWS_READS = ("get-", "list-", "describe-", "head-")
_AWS_OPTIONS_BEFORE = frozenset(
    {"--profile", "--region", "--output", "--query", "--color", "--cli-read-timeout", "--cli-connect-timeout"}
)
_AWS_FLAGS_BEFORE = frozenset({"--no-cli-pager", "--no-paginate", "--no-cli-auto-prompt"})
_AWS_SECRETS = re.compile(r"get-.*(?:secret|token|login|password|credential|access-details)")
_AWS_FILES = frozenset(
    {
        "get-object",
        "get-object-torrent",
        "get-export",
        "get-sdk",
        "get-job-output",
        "get-media",
        "get-media-for-fragment-list",
        "get-clip",
        "get-thing-shadow",
        "get-configuration",
        "get-latest-configuration",
        "get-package-version-asset",
        "get-snapshot-block",
        "get-blob",
        "get-raw-message-content",
    }
)


def refusal(argv: Sequence[str]) -> str | None:
    """Why a `run` step may not start this argument list; None when it may. The sentence also says what would do.

    A team's own read-only program is let through by its plain name; the list is shown before it starts.
    """
    if not argv:
        return "an argument list begins with a program"
    program, *arguments = argv
    if not _PROGRAM.fullmatch(program):
        return f"{program!r} is not the plain name of a program; paths, options and values cannot start one"
    if any(not argument.isprintable() for argument in arguments):
        return "an argument holds a line break or a control character"
    name = _stem(program)
    return (
        _never(name)
        or _refused_option(name, arguments)
        or (_aws(arguments) if name == "aws" else None)
        or _subcommand(name, arguments)
        or _started_by(name, arguments)
    )


def _stem(program: str) -> str:
    """The program's name as the lists have it: `/usr/bin/Python3.12.exe` → `python`. Some file systems ignore case."""
    name = _ENDING.sub("", program.rsplit("/", 1)[-1].rsplit("\\", 1)[-1].casefold())
    return name if name in _EVERY_NEVER else _VERSION.sub("", name)


_EVERY_NEVER = _TERRAFORM | _SHELLS | _INTERPRETERS | _LAUNCHERS | _WRITERS


def _never(name: str) -> str | None:
    for names, why in (
        (_TERRAFORM, "works on states; the tool's own steps run it where it can leave no lock behind"),
        (_SHELLS, "is a shell; give the program that it would start"),
        (_INTERPRETERS, "can run other programs; give the one that looks"),
        (_LAUNCHERS, "starts other programs; give the one that looks"),
        (_WRITERS, "can write or send; a run step only looks (give a web address under links)"),
    ):
        if name in names or name.split("-", 1)[0] in names & _TERRAFORM:
            return f"{name} {why}"
    return None


def _refused_option(program: str, arguments: Sequence[str]) -> str | None:
    """Options that write, that send elsewhere, or that show secrets; also where the program accepts them shortened."""
    refused = _REFUSED_OPTIONS.get(program, ())
    for argument in arguments:
        given = argument.split("=", 1)[0]
        if given.startswith("--") and given != "--":
            for option in refused:
                if option.startswith(given) or given.startswith(option):
                    return f"{program} {option} can write, reach elsewhere or show secrets"
    return None


def _aws(arguments: Sequence[str]) -> str | None:
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option, *rest = rest
        if option in _AWS_OPTIONS_BEFORE:
            rest = rest[1:]
        elif option.split("=", 1)[0] not in _AWS_OPTIONS_BEFORE | _AWS_FLAGS_BEFORE:
            return f"aws {option}: options stand after the operation"
    service, operation = (*rest, "", "")[:2]
    if not _WORD.fullmatch(service) or not _WORD.fullmatch(operation):
        return "aws takes a service and an operation, as in `aws dynamodb get-item`"
    if not operation.startswith(_AWS_READS):
        return f"aws {service} {operation} is not a read; only {', '.join(_AWS_READS)} operations are started"
    if operation in _AWS_FILES or _AWS_SECRETS.match(operation):
        return f"aws {service} {operation} fetches contents or secrets; use an operation that describes"
    for argument in rest[2:]:
        if re.match(r"(?i)(?:file|fileb|https?)://", argument.split("=", 1)[-1]):
            return f"aws would read {argument!r} from elsewhere"
    return None


def _subcommand(program: str, arguments: Sequence[str]) -> str | None:
    reads = _READS.get(program)
    if reads is None:
        return None
    if not any(tuple(arguments[: len(words)]) == words for words in reads):
        known = ", ".join(" ".join(words) for words in reads)
        return f"{program} is started only for: {known}, and these words come first"
    if program in {"kubectl", "oc"} and any("secret" in argument.casefold() for argument in arguments):
        return f"{program} would show secrets"
    return None


def _started_by(program: str, arguments: Sequence[str]) -> str | None:
    """For a program nobody here knows: an argument that names a shell or terraform is taken for one to be started."""
    if program in _LOOKERS or program in _READS or program == "aws":
        return None
    for word in _words(arguments):
        if _stem(word) in _STARTED:
            return f"{program} might start {word!r}"
    return None


def _words(arguments: Sequence[str]) -> Iterator[str]:
    for argument in arguments:
        yield from re.split(r"[\s=;&|`$(){}<>'\",]+", argument)
