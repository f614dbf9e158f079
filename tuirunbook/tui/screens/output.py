"""What a command of ours prints, followed while it is printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

from rich.cells import cell_len
from rich.text import Text
from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Footer, Input, Static

from tuirunbook.core.text import one_line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, OUTPUT, bindings
from tuirunbook.tui.logfile import LogFile

COPY_LIMIT = 100_000
"""Characters that are handed to the clipboard; terminals drop more than about this in one OSC 52 sequence."""

FOLLOW_SECONDS = 0.1
READER_TICKS = 10


class OutputView(ScrollView, can_focus=True):
    """The lines of a `LogFile`. Reads only those that are visible; stays at the end while `follow` is set."""

    ALLOW_SELECT = True
    COMPONENT_CLASSES: ClassVar[set[str]] = {"output--match"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", show=False),
        Binding("j", "scroll_down", show=False),
        Binding("h", "scroll_left", show=False),
        Binding("l", "scroll_right", show=False),
        Binding("ctrl+u,b", "page_up", show=False),
        Binding("ctrl+d,space", "page_down", show=False),
    ]

    def __init__(self, log: LogFile, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.follow = True
        self.needle = ""
        self._log = log
        self._moving = False
        self._texts: LRUCache[int, str] = LRUCache(512)

    def grew(self) -> None:
        """Show what the log has more than before."""
        follow = self.follow
        self._moving = True
        self.virtual_size = Size(self._log.width, self._log.count)
        if follow:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
        self._moving = False
        self.follow = follow
        self.refresh()

    def show_line(self, number: int) -> None:
        """Bring a line into view and stay there."""
        if not self.scroll_offset.y <= number < self.scroll_offset.y + self.size.height:
            self.scroll_to(y=max(0, number - self.size.height // 2), animate=False, immediate=True)
        self.follow = False
        column = self._text(number).casefold().find(self.needle.casefold())
        if not self.scroll_offset.x <= column + len(self.needle) <= self.scroll_offset.x + self.size.width:
            self.scroll_to(x=max(0, column - 10), animate=False, immediate=True)
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Following ends when the operator scrolls away, and begins again at the end."""
        super().watch_scroll_y(old_value, new_value)
        if not self._moving:
            self.follow = self.is_vertical_scroll_end

    def action_scroll_home(self) -> None:
        """To the first line."""
        self.scroll_home(animate=False, immediate=True)
        self.follow = self.is_vertical_scroll_end

    def action_scroll_end(self) -> None:
        """To the end, and stay there."""
        self.follow = True
        self.grew()

    def action_scroll_up(self) -> None:
        """One line up."""
        self.scroll_up(animate=False, immediate=True)

    def action_scroll_down(self) -> None:
        """One line down."""
        self.scroll_down(animate=False, immediate=True)

    def action_page_up(self) -> None:
        """One page up."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One page down."""
        self.scroll_page_down(animate=False)

    def on_screen(self) -> str:
        """The text that is on the screen."""
        top = self.scroll_offset.y
        return "\n".join(self._log.lines(top, top + self.size.height, COPY_LIMIT))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, at most `COPY_LIMIT` characters of it."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self._log.count - 1
        lines = list(self._log.lines(first, last + 1, COPY_LIMIT))
        if not lines:
            return None
        if selection.end and first + len(lines) == last + 1:
            lines[-1] = lines[-1][: selection.end.x]
        if selection.start:
            lines[0] = lines[0][selection.start.x :]
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint the selection."""
        del selection
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the viewport."""
        left, top = self.scroll_offset
        number, width, style = top + y, self.size.width, self.rich_style
        if number >= self._log.count:
            return Strip.blank(width, style)
        line = self._text(number)
        text = Text(line, no_wrap=True, end="")
        if self.needle:
            found = self.get_component_rich_style("output--match", partial=True)
            for match in re.finditer(re.escape(self.needle), line, re.IGNORECASE):
                text.stylize(found, *match.span())
        selected = self.text_selection
        if selected is not None and (span := selected.get_span(number)) is not None:
            begin, end = span
            chosen = self.screen.get_component_rich_style("screen--selection")
            text.stylize(chosen, begin, len(line) if end == -1 else end)
        strip = Strip(text.render(self.app.console), cell_len(line)).apply_style(style)
        return strip.crop_extend(left, left + width, style).apply_offsets(left, number)

    def _text(self, number: int) -> str:
        if number >= self._log.complete:
            return self._log.line(number)
        text = self._texts.get(number)
        if text is None:
            text = self._texts[number] = self._log.line(number)
        return text


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
    prompt = getters.query_one("#output-prompt", Input)

    class Found(Message):
        """A search has ended; `line` is None when nothing was found."""

        def __init__(self, request: int, line: int | None) -> None:
            super().__init__()
            self.request = request
            self.line = line

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
        self._asked: Literal["search", "save"] = "search"
        self._request = 0
        self._match: int | None = None
        self._said = ""
        self._ticks = 0
        self._unshown = False

    def compose(self) -> ComposeResult:
        """What it is and how far, the lines, a prompt when there is something to type."""
        yield Static(Content(self._called), id="output-status")
        yield OutputView(self._log, id="output-lines")
        yield Input(id="output-prompt", compact=True)
        yield Footer(compact=True)

    def on_mount(self) -> None:
        """Begin to follow."""
        self.set_interval(FOLLOW_SECONDS, self._follow)
        self.call_after_refresh(self._follow)

    def on_unmount(self) -> None:
        """Let go of the file; a search under way finds itself unwanted."""
        self._request += 1
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
        self._ask("search", "find", self.output.needle)

    def action_match(self, step: int) -> None:
        """The next or previous place."""
        if not self.output.needle:
            self.action_search()
            return
        # From the match while it is in sight; from what is on the screen otherwise.
        top = self.output.scroll_offset.y
        bottom = top + self.output.size.height - 1
        if self._match is not None and top <= self._match <= bottom:
            begin = self._match + step
        else:
            begin = top if step > 0 else bottom
        self._look_for(self.output.needle, begin, step)

    def _look_for(self, needle: str, begin: int, step: int) -> None:
        self._request += 1
        self._say(f"looking for {needle}…")
        self._find(self._request, needle, begin, step)

    @in_background
    def _find(self, request: int, needle: str, begin: int, step: int) -> None:
        line = self._log.find(needle, begin, step, lambda: request == self._request)
        self.post_message(self.Found(request, line))

    @on(Found)
    def _found(self, event: Found) -> None:
        if event.request != self._request:
            return
        self._match = event.line
        needle = self.output.needle
        if event.line is None:
            self._say(f"{needle}: not found")
        else:
            self._say(f"{needle}: line {event.line + 1:,}")
            self.output.show_line(event.line)
        self._tell()

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
        self._ask("save", "save to", str(Path.cwd() / f"{slug}.log"))

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
            self._ask("save", "save to", str(event.target))
        else:
            said = (
                f"Saved {event.lines:,} lines to {one_line(str(event.target))}; secrets of known shapes are left out."
            )
            self.notify(said, timeout=15, markup=False)
            self._say(f"saved to {event.target.name}")

    # The prompt

    def _ask(self, what: Literal["search", "save"], label: str, value: str) -> None:
        self._asked = what
        self.prompt.border_title = label
        self.prompt.value = value
        self.prompt.placeholder = label
        self.prompt.add_class("-asking")
        self.prompt.focus()

    def _stop_asking(self) -> None:
        self.prompt.remove_class("-asking")
        self.output.focus()

    @on(Input.Submitted, "#output-prompt")
    def _answered(self, event: Input.Submitted) -> None:
        event.stop()
        self._stop_asking()
        if self._asked == "save":
            if event.value.strip():
                self._save(Path(event.value.strip()).expanduser().absolute())
            return
        self.output.needle = event.value
        self._match = None
        if event.value:
            self._look_for(event.value, self.output.scroll_offset.y, 1)
        else:
            self._say("")
        self.output.refresh()

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
        if self.prompt.has_class("-asking"):
            self._stop_asking()
        else:
            self.dismiss(None)
