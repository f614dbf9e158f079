"""Which states a pasted error is about, as its `Path` and the other options say together."""

from __future__ import annotations

import msgspec

from tuirunbook.core.address import DEFAULT_KEY_PREFIX
from tuirunbook.core.backend import RootModule
from tuirunbook.core.diagnosis import BackendStore, Diagnosis, diagnose
from tuirunbook.core.other_backends import other_backend
from tuirunbook.core.workspace import workspace_of
from tuirunbook.wiring.declared import DeclaredRoots
from tuirunbook.wiring.problem import Problem, told
from tuirunbook.wiring.usable import told_apart, usable

_FROM_PATH = "the error's Path"


def roots_of_error(roots: DeclaredRoots, text: str) -> tuple[RootModule, ...]:
    """The roots of the paths that a text shows; empty when it shows none.

    Raises:
        Problem: No state is found for them, or another than the options say.
    """
    diagnosis = diagnose(text)
    paths = tuple(dict.fromkeys(lock.path for lock in diagnosis.locks if lock.path))
    if not paths:
        return ()
    _require_ours(diagnosis)
    return _completed(roots, paths) if roots.options.backend_config else _found(roots, paths, diagnosis)


def _require_ours(diagnosis: Diagnosis) -> None:
    if diagnosis.store in {BackendStore.S3, BackendStore.DYNAMODB, BackendStore.UNKNOWN}:
        return
    answer = other_backend(diagnosis.store.value)
    if answer is not None:
        raise Problem(f"The error comes from the backend {diagnosis.store.value!r}. {answer.lives}", answer.advice)


def _found(roots: DeclaredRoots, paths: tuple[str, ...], diagnosis: Diagnosis) -> tuple[RootModule, ...]:
    """The roots of the checkout that keep their state at one of these paths, or the bare state of the first."""
    from tuirunbook.repository import detect_by_path, split_path  # noqa: PLC0415 - see the package

    with told():
        found = [root for path in paths for root in detect_by_path(roots.start, path, environ=roots.environ)]
        if found:
            ready = tuple(usable(roots.overridden(root)) for root in found)
            return _as_asked(roots, told_apart(ready, roots.start.resolve()))
        bucket, key = split_path(paths[0])
    options = roots.options
    if not options.table and not options.use_lockfile and diagnosis.store is not BackendStore.S3:
        raise Problem(
            f"The error is about {bucket}/{key}, and no root module of this checkout keeps its state there.",
            "Start in the checkout that does, or give --table and --region (an error does not name the table); "
            "--use-lockfile instead of --table when it locks with an S3 lockfile.",
        )
    return (roots.named(bucket, key, whole_key=True),)


def _completed(roots: DeclaredRoots, paths: tuple[str, ...]) -> tuple[RootModule, ...]:
    """The root of the start as `--backend-config` completes it, in the workspace that the error's `Path` names."""
    root = roots.declared()
    assert isinstance(root, RootModule)  # noqa: S101 - several are looked for only without --backend-config
    backend = root.backend
    bucket, key = backend.text("bucket") or "", backend.text("key") or ""
    prefix = backend.text("workspace_key_prefix") or DEFAULT_KEY_PREFIX
    for path in paths:
        their_bucket, _, state_key = path.partition("/")
        name = workspace_of(state_key, key, prefix) if their_bucket == bucket else None
        if name is not None:
            return _as_asked(roots, (msgspec.structs.replace(root, workspace=name, workspace_origin=_FROM_PATH),))
    raise Problem(
        f"With --backend-config, {root.name} keeps its state at {bucket}/{key}, and the error is about "
        f"{', '.join(paths)}.",
        "Start in the directory that the error is from, or leave --backend-config out: then its Path is looked for.",
    )


def _as_asked(roots: DeclaredRoots, found: tuple[RootModule, ...]) -> tuple[RootModule, ...]:
    """Those roots of an error that are what the other options say: nothing that was given is left out of account."""
    options = roots.options
    asked = tuple(root for root in found if options.workspace in {None, root.workspace})
    if not asked:
        raise Problem(
            f"The error's Path is of the workspace {found[0].workspace} of {found[0].name}, and --workspace says "
            f"{options.workspace}.",
            "Leave --workspace out, or hand in the error that you mean.",
        )
    for root in asked:
        address = root.address()
        table = f"names {address.table or 'no lock table'}", options.table in {None, address.table}
        lockfile = (
            "uses a lockfile" if address.use_lockfile else "uses no lockfile",
            options.use_lockfile in {None, address.use_lockfile},
        )
        for typed, (says, agrees) in {"--table": table, "--use-lockfile": lockfile}.items():
            if not agrees:
                raise Problem(
                    f"The error's Path is that of {root.name}, whose backend {says}, and {typed} says otherwise.",
                    f"Leave {typed} out; or give --bucket and --key as well, to look elsewhere than the backend says.",
                )
    return asked
