"""Which arguments a plan may be given: those a root module needs, none that weakens the lock or moves the state."""

from __future__ import annotations

from collections.abc import Iterable

WITH_VALUE = frozenset(
    {"exclude", "exclude-file", "parallelism", "replace", "target", "target-file", "var", "var-file"}
)
"""Plan options that take a value, which has to be given in the same argument (`-var=region=eu-west-1`)."""

SWITCHES = frozenset({"compact-warnings", "concise", "destroy", "no-color", "refresh", "refresh-only"})
"""Plan options that stand alone, or with `=true` or `=false`."""

REFUSED = {
    "lock": "the lock is what this plan asks about",
    "lock-timeout": "a held lock is asked for once, never waited for",
    "state": "it would read another state",
    "state-out": "it would write another state",
    "backup": "it would write another state",
    "out": "the plan would be kept, and could be applied",
    "generate-config-out": "it writes into the checkout",
    "chdir": "the plan runs in this root module",
    "json": "a person reads this plan line by line",
    "json-into": "a person reads this plan line by line",
    "input": "nobody can answer: it is always -input=false",
    "detailed-exitcode": "it changes what the exit code means",
    "show-sensitive": "secrets would end up in the log",
}
"""Options that are refused, and why. Whatever is not listed anywhere here is refused too."""


def validate_plan_args(args: Iterable[str]) -> None:
    """Check extra arguments for `plan`, in single- and double-dash spelling.

    Options are as in Terraform 1.15 and OpenTofu 1.12. The list is closed because repository settings may supply plan
    arguments, and wrappers have options that name executables.

    Raises:
        ValueError: An argument cannot be passed on; the sentence names it and says why.
    """
    for arg in args:
        if not arg.startswith("-") or "\0" in arg:
            raise ValueError(
                f"{arg!r} is not an option; write an option and its value in one piece, as in -var=name=value"
            )
        name, equals, _ = arg.removeprefix("-").removeprefix("-").partition("=")
        if name in REFUSED:
            raise ValueError(f"{arg!r} cannot be passed to plan: {REFUSED[name]}")
        if name in WITH_VALUE and not equals:
            raise ValueError(f"{arg!r} needs its value in the same argument, as in -{name}=…")
        if name not in WITH_VALUE | SWITCHES:
            raise ValueError(f"{arg!r} is not an option of plan that may be passed on")
