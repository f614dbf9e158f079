"""What a command of ours prints, followed while it is printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Static

from tuirunbook.core.text import one_line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, OUTPUT, bindings
from tuirunbook.tui.logfile import LogFile
from tuirunbook.tui.output_view import COPY_LIMIT, OutputView
from tuirunbook.tui.prompt import Prompt

FOLLOW_SECONDS = 0.1
READER_TICKS = 10

SEARCH, SAVE = "search", "save"
"""What the prompt asks for."""


class OutputScreen(Screen[None]):
    """Follows a command's output file: searchable, selectable, saved on demand.

    Args:
        title: What the command is called.
        log_path: Its output file, which may still grow or not exist yet.
        running: Whether the command still runs.
    """

    CSS_PATH = "output.tcss"
    AUTO_FOCUS = "OutputView"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(OUTPUT), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "What the command prints, as it prints it. Leaving this screen does not stop the command.",
        "Arrows, j, k, h, l, space and b scroll. Scrolling up stops following; end follows again.",
        "The mouse selects text; c or ctrl+c copies it. S saves everything to a file, for when the clipboard fails.",
    )

    output = getters.query_one("#output-lines", OutputView)
    status = getters.query_one("#output-status", Static)
    prompt = getters.query_one("#output-prompt", Prompt)

    class Saved(Message):
        """A copy was written, or `trouble` says why not."""

        def __init__(self, target: Path, lines: int, trouble: str = "") -> None:
            super().__init__()
            self.target = target
            self.lines = lines
            self.trouble = trouble

    def __init__(self, title: str, log_path: Path, running: Callable[[], bool]) -> None:
        super().__init__()
        self._called = one_line(title, 40)
        self._still = running
        self._log = LogFile(log_path)
        self._said = ""
        self._ticks = 0
        self._unshown = False

    def compose(self) -> ComposeResult:
        """What it is and how far, the lines, a prompt when there is something to type."""
        yield Static(Content(self._called), id="output-status")
        yield OutputView(self._log, id="output-lines")
        yield Prompt(id="output-prompt")
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to follow."""
        self.set_interval(FOLLOW_SECONDS, self._follow)
        self.call_after_refresh(self._follow)

    def on_unmount(self) -> None:
        """Let go of the file."""
        self._log.close()

    def _follow(self) -> None:
        if not self.is_attached:
            return
        try:
            self._unshown = self._log.read_more() or self._unshown
        except OSError as error:
            self._say(f"cannot be read: {error.strerror}")
        self._ticks += 1
        # A reader who does not follow sees no new line: the scrollbar, which costs a full repaint, may come later.
        if self._unshown and (self.output.follow or self._ticks % READER_TICKS == 0):
            self._unshown = False
            self.output.grew()
        self._tell()

    def _say(self, sentence: str) -> None:
        self._said = one_line(sentence, 120)
        self._tell()

    def _tell(self) -> None:
        running = "▶ running" if self._still() else "■ ended"
        following = "following" if self.output.follow else f"line {self.output.scroll_offset.y + 1:,}"
        parts: list[str | tuple[str, str]] = [
            (self._called, "bold"),
            f"  {running}  {self._log.count:,} lines  {following}",
        ]
        if not self._log.count:
            parts.append(("  nothing printed yet", "$text-muted"))
        if self._said:
            parts.append((f"  {self._said}", "bold"))
        content = Content.assemble(*parts)
        if content != self.status.content:
            self.status.update(content)

    # Search

    def action_search(self) -> None:
        """Ask what to look for."""
        self.prompt.ask(SEARCH, "find", self.output.needle)

    def action_match(self, step: int) -> None:
        """The next or previous place."""
        if not self.output.needle:
            self.action_search()
            return
        self._say(f"looking for {self.output.needle}…")
        self.output.look_on(step)

    @on(OutputView.Found)
    def _found(self, event: OutputView.Found) -> None:
        needle = self.output.needle
        self._say(f"{needle}: not found" if event.line is None else f"{needle}: line {event.line + 1:,}")

    # Copying and saving

    def action_copy(self) -> None:
        """Copy the selected text, or what is on the screen."""
        selected = self.get_selected_text()
        text = selected or self.output.on_screen()
        self.app.copy_to_clipboard(text[:COPY_LIMIT])
        what = "the selected text" if selected else "what the screen shows"
        cut = f"; only the first {COPY_LIMIT:,} characters, S saves all" if len(text) >= COPY_LIMIT else ""
        self.notify(f"Copied {what}{cut}. If it does not arrive, S saves to a file.", markup=False)

    def action_save(self) -> None:
        """Ask where to save to."""
        slug = re.sub(r"[^\w.-]+", "-", self._called).strip("-.") or "output"
        self.prompt.ask(SAVE, "save to", str(Path.cwd() / f"{slug}.log"))

    @in_background
    def _save(self, target: Path) -> None:
        try:
            lines = self._log.save_copy(target)
        except FileExistsError:
            self.post_message(self.Saved(target, 0, "is there already; choose another name"))
        except OSError as error:
            self.post_message(self.Saved(target, 0, f"cannot be written: {error.strerror}"))
        else:
            self.post_message(self.Saved(target, lines))

    @on(Saved)
    def _saved(self, event: Saved) -> None:
        if event.trouble:
            self.notify(f"{one_line(str(event.target))} {event.trouble}.", severity="error", timeout=10, markup=False)
            self.prompt.ask(SAVE, "save to", str(event.target))
        else:
            said = (
                f"Saved {event.lines:,} lines to {one_line(str(event.target))}; secrets of known shapes are left out."
            )
            self.notify(said, timeout=15, markup=False)
            self._say(f"saved to {event.target.name}")

    # The prompt

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        self.output.focus()
        if event.what == SAVE:
            if event.text.strip():
                self._save(Path(event.text.strip()).expanduser().absolute())
            return
        self._say(f"looking for {event.text}…" if event.text else "")
        self.output.look_for(event.text)

    def action_follow(self) -> None:
        """To the end, and stay there."""
        self.output.action_scroll_end()
        self._tell()

    def action_beginning(self) -> None:
        """To the first line."""
        self.output.action_scroll_home()
        self._tell()

    def action_leave(self) -> None:
        """Close the prompt, or the screen."""
        if self.prompt.is_asking:
            self.prompt.put_away()
            self.output.focus()
        else:
            self.dismiss(None)
