"""The walk: on the screen, or line by line."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tuirunbook.cli.saying import complain
from tuirunbook.terminal import end_with_terminal, keys_from_terminal, missing_terminal, read_piped
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told

if TYPE_CHECKING:
    from tuirunbook.wiring.adapters import Adapters
    from tuirunbook.wiring.finder import Finder
    from tuirunbook.wiring.front import WiredFront
    from tuirunbook.wiring.scout import Scout

PIPE = "-"


def walk(
    options: Options,
    *,
    error: str = "",
    resume: str | None = None,
    plain: bool = False,
    states: bool = False,
) -> int:
    """Walk, and return the exit code. `error` names the file, `-` or address that holds what Terraform printed."""
    try:
        with told():
            if not plain:
                _require_terminal()
            options = with_error(options, error)
            scout = _scout(options) if not plain and not states and resume is None else None
            finder = _finder(options) if states and not plain else None
            adapters = _adapters(options)
            if resume is not None:
                resume = _incident(options, resume)
            if plain:
                with contextlib.suppress(OSError):
                    # Without a terminal the pipe is at its end, and so is the walk when it asks something.
                    _answers_after(error)
                return _walk_plainly(_Deferred(adapters), resume=resume)
            _answers_after(error)
            return _walk_on_screen(adapters, scout, finder, resume=resume, states=states)
    except NoTerminal as problem:
        from tuirunbook.survey.report import Status  # noqa: PLC0415 - a walk has its own words for how it ended

        complain(problem)
        return Status.USAGE
    except Problem as problem:
        complain(problem)
        return 1


class NoTerminal(Problem):
    """There is no terminal to walk on."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The walk needs a terminal, and {why}.",
            "`tflock-tui status` shows the lock without one; `tflock-tui --plain` walks line by line.",
        )


def _answers_after(error: str) -> None:
    """Take keys and answers from the terminal, when the error came through standard input."""
    if error == PIPE:
        keys_from_terminal()


def _require_terminal() -> None:
    if (why := missing_terminal()) is not None:
        raise NoTerminal(why)
    end_with_terminal()


def with_error(options: Options, error: str) -> Options:
    """The options with the error's text read from its file, or from standard input for `-`.

    Raises:
        Problem: The file cannot be read.
    """
    if not error:
        return options
    return msgspec.structs.replace(options, error=read_text(error), error_link=error if is_address(error) else "")


def is_address(source: str) -> bool:
    """Whether this is the address of a run, and no file."""
    return source.startswith(("https://", "http://"))


def read_text(source: str) -> str:
    """A file's text, all of standard input for `-`, or the log behind the address of a run, job or pull request.

    Undecodable bytes are replaced.

    Raises:
        Problem: It cannot be read.
    """
    if source == PIPE:
        return read_piped()
    if is_address(source):
        from tuirunbook.wiring.ci import fetch_error  # noqa: PLC0415 - most errors are pasted

        return fetch_error(source, os.environ)
    try:
        return Path(source).read_bytes().decode("utf-8", "replace")
    except OSError as problem:
        raise Problem(
            f"{source} cannot be read: {problem.strerror}.", "Give a file, or - for standard input."
        ) from None


def _adapters(options: Options) -> Adapters:
    from tuirunbook.wiring.adapters import Adapters  # noqa: PLC0415 - after the terminal was found

    adapters = Adapters(options)
    adapters.plan_args()
    return adapters


class _Deferred:
    """The front, composed when it is first asked for something: after the first frame, in the thread that opens."""

    def __init__(self, adapters: Adapters, finder: Finder | None = None) -> None:
        self._adapters = adapters
        self._finder = finder
        self._front: WiredFront | None = None

    def __getattr__(self, name: str) -> Any:
        if self._front is None:
            from tuirunbook.wiring.front import WiredFront  # noqa: PLC0415 - see the class

            self._front = WiredFront(self._adapters, finder=self._finder)
        return getattr(self._front, name)


def _incident(options: Options, asked: str) -> str:
    """The full name of the incident that is meant; for nothing, the one that needs somebody most."""
    from tuirunbook.wiring.adapters import Adapters  # noqa: PLC0415 - only a resumption needs it
    from tuirunbook.wiring.archive import Archive  # noqa: PLC0415 - likewise

    adapters = Adapters(options)
    if asked:
        return adapters.journals().find(asked)
    resumable = [row for row in Archive(adapters).rows() if not row.resumable and not row.training]
    if not resumable:
        raise Problem("There is no incident that can be resumed here.", "`tflock-tui incidents` lists all of them.")
    return resumable[0].id


def _scout(options: Options) -> Scout | None:
    """A first look from a process of its own, as early as can be."""
    from tuirunbook.wiring.scout import Scout, worth_sending  # noqa: PLC0415 - only the screen needs it

    return Scout(options) if worth_sending(options, os.environ) else None


def _finder(options: Options) -> Finder:
    """The search for all states, as early as can be."""
    from tuirunbook.wiring.finder import Finder  # noqa: PLC0415 - only the list of states needs it

    return Finder(options)


def _walk_on_screen(
    adapters: Adapters, scout: Scout | None, finder: Finder | None, *, resume: str | None, states: bool
) -> int:
    from tuirunbook.tui.app import TflockApp  # noqa: PLC0415 - nothing else needs Textual

    user = adapters.settings.user
    front: Any = _Deferred(adapters, finder)
    app = TflockApp(front, scout=scout, resume=resume or "", states=states, keymap=user.keymap)
    if user.theme and "TEXTUAL_THEME" not in os.environ:
        if user.theme not in app.available_themes:
            names = ", ".join(sorted(app.available_themes))
            raise Problem(f"There is no theme {user.theme!r}.", f"Set one of these in your settings: {names}.")
        app.theme = user.theme
    try:
        code: Any = app.run()
    finally:
        if finder is not None:
            finder.stop()
    return int(code or app.return_code or 0)


def _walk_plainly(front: Any, *, resume: str | None) -> int:
    from tuirunbook.plain import run  # noqa: PLC0415 - the screens do without

    return run(front, resume=resume)
