"""The lines of a growing file, of which only the visible ones are ever read."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tuirunbook.tui.background import in_background
from tuirunbook.tui.logfile import LogFile

COPY_LIMIT = 100_000
"""Characters that are handed to the clipboard; terminals drop more than about this in one OSC 52 sequence."""


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

    class Found(Message):
        """A search has ended; `line` is None when nothing was found."""

        def __init__(self, line: int | None) -> None:
            super().__init__()
            self.line = line

    def __init__(self, log: LogFile, *, id: str) -> None:  # noqa: A002 - Textual's own name for it
        super().__init__(id=id)
        self.follow = True
        self.needle = ""
        self._log = log
        self._moving = False
        self._request = 0
        self._match: int | None = None
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

    def on_unmount(self) -> None:
        """A search under way finds itself unwanted."""
        self._request += 1

    def look_for(self, needle: str) -> None:
        """Find a text from what is on the screen on; nothing ends the search."""
        self.needle = needle
        self._match = None
        if needle:
            self._begin(self.scroll_offset.y, 1)
        self.refresh()

    def look_on(self, step: int) -> None:
        """Find the next or previous place: from the last one while it is in sight, else from what is on the screen."""
        top = self.scroll_offset.y
        bottom = top + self.size.height - 1
        if self._match is not None and top <= self._match <= bottom:
            self._begin(self._match + step, step)
        else:
            self._begin(top if step > 0 else bottom, step)

    def _begin(self, begin: int, step: int) -> None:
        self._request += 1
        self._find(self._request, self.needle, begin, step)

    @in_background
    def _find(self, request: int, needle: str, begin: int, step: int) -> None:
        line = self._log.find(needle, begin, step, lambda: request == self._request)
        self.call_later(self._end, request, line)

    def _end(self, request: int, line: int | None) -> None:
        if request != self._request:
            return
        self._match = line
        if line is not None:
            self.show_line(line)
        self.post_message(self.Found(line))

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
