"""A list of one-line rows with a cursor that costs the same for ten rows and ten thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

MARGIN = 2
"""Cells on the left for the cursor's mark, so that it shows without colour."""


class Rows(ScrollView, can_focus=True):
    """Asks for a row's content when it is painted, and for no other row. Enter is left to the screen.

    Args:
        paint: The content of row `index` in `width` cells; what is longer is cut.
    """

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--cursor"}
    DEFAULT_CSS = """
    Rows {
        scrollbar-size: 1 1;
        overflow: hidden auto;
        .rows--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        &:focus .rows--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "up", show=False),
        Binding("down,j", "cursor(1)", "down", show=False),
        Binding("pageup,ctrl+u,b", "cursor_page(-1)", "page up", show=False),
        Binding("pagedown,ctrl+d,space", "cursor_page(1)", "page down", show=False),
        Binding("home,g", "cursor_first", "first", show=False),
        Binding("end,G", "cursor_last", "last", show=False),
    ]

    cursor: reactive[int] = reactive(0, init=False)

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    class Chosen(Message):
        """A row was chosen: with a click on the row that has the cursor, or by `action_choose`."""

        def __init__(self, row: int) -> None:
            super().__init__()
            self.row = row

    def __init__(self, paint: Callable[[int, int], Content], *, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._paint = paint
        self._count = 0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def set_count(self, count: int, cursor: int | None = None) -> None:
        """There are so many rows now; whatever is in view is painted again."""
        self._count = count
        self.virtual_size = Size(0, count)
        target = self.cursor if cursor is None else cursor
        self.cursor = max(0, min(target, count - 1))
        self._show_cursor()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """A row that exists, or 0."""
        return max(0, min(cursor, self._count - 1))

    def watch_cursor(self, cursor: int) -> None:
        """Keep the cursor in view and tell where it is."""
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved(cursor))

    def _show_cursor(self) -> None:
        if self._count:
            region = Region(0, self.cursor, 1, 1)
            self.scroll_to_region(region, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._show_cursor()

    def action_cursor(self, by: int) -> None:
        """Some rows up or down."""
        self.cursor += by

    def action_cursor_page(self, by: int) -> None:
        """A page up or down."""
        self.cursor += by * max(1, self.size.height - 1)

    def action_cursor_first(self) -> None:
        """The first row."""
        self.cursor = 0

    def action_cursor_last(self) -> None:
        """The last row."""
        self.cursor = self._count - 1

    def action_choose(self) -> None:
        """Choose the row that the cursor is on."""
        if self._count:
            self.post_message(self.Chosen(self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the row that has it, it chooses."""
        row = int(self.scroll_offset.y) + event.y
        if row >= self._count:
            return
        if row == self.cursor:
            self.action_choose()
        self.cursor = row

    def render_line(self, y: int) -> Strip:
        """A row of the viewport."""
        row, width = int(self.scroll_offset.y) + y, self.scrollable_content_region.width
        style = self.visual_style
        if row >= self._count:
            return Strip.blank(width, self.rich_style)
        at_cursor = row == self.cursor
        if at_cursor:
            style = self.get_visual_style("rows--cursor")
        room = max(1, width - MARGIN)
        content = Content.assemble("▸ " if at_cursor else "  ", self._paint(row, room))
        content = content.truncate(width, ellipsis=True, pad=True)
        return Visual.to_strips(self, content, width, 1, style, apply_selection=False)[0]
