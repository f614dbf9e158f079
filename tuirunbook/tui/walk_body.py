"""What a walk's screen shows above its footer."""

from __future__ import annotations

from textual import getters
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tuirunbook.core.text import one_line
from tuirunbook.tui.model import Model
from tuirunbook.tui.notices import Notices
from tuirunbook.tui.panes import pane, side
from tuirunbook.tui.view import View, header, reading_line, step_list


class WalkBody(Vertical):
    """Paints views; asks nothing and decides nothing. What its screen is wide enough for, the screen's classes say."""

    header_line = getters.query_one("#walk-header", Static)
    reading = getters.query_one("#walk-reading", Static)
    steps = getters.query_one("#walk-steps", Static)
    scroll = getters.query_one("#walk-scroll", VerticalScroll)
    pane = getters.query_one("#walk-pane", Static)
    side = getters.query_one("#walk-side", Static)
    notices = getters.query_one("#walk-notices", Notices)
    log_line = getters.query_one("#walk-log", Static)

    def compose(self) -> ComposeResult:
        """Who writes, header, runbook and step side by side, what was just said, command log."""
        yield Static(Content(""), id="walk-reading")
        yield Static(Content("Reading the lock…\n\n\n"), id="walk-header")
        with Horizontal(id="walk-body"):
            yield Static(Content(""), id="walk-steps")
            with VerticalScroll(id="walk-scroll", can_focus=False):
                yield Static(Content("reading…"), id="walk-pane")
            with VerticalScroll(id="walk-side-scroll", can_focus=False):
                yield Static(Content(""), id="walk-side")
        yield Notices(id="walk-notices")
        yield Static(Content(""), id="walk-log")

    def on_mount(self) -> None:
        """Name the list."""
        self.steps.border_title = "Runbook"

    def show(self, view: View, model: Model) -> None:
        """Put a view on the screen; widgets whose text is the same are left alone."""
        width = max(20, self.screen.size.width - 2)
        state = view.step
        narrow, wide = self.screen.has_class("-narrow"), self.screen.has_class("-wide")
        number = f"{state.step.number}/{len(view.steps)}" if narrow else f"{state.step.number}"
        self.scroll.border_title = Content(f"{number}  {one_line(state.step.title, 60)}")
        self.reading.display = view.reads_only
        _update(self.reading, reading_line(view, self.screen.size.width))
        _update(self.header_line, header(view, width))
        _update(self.steps, step_list(view))
        _update(self.pane, pane(view))
        self.log_line.display = not self.notices.says(model.log_line)
        _update(self.log_line, Content(model.log_line).truncate(width, ellipsis=True))
        if wide:
            _update(self.side, side(view, model.lines))

    def page(self, by: int) -> None:
        """Scroll what the step says."""
        self.scroll.scroll_relative(y=by * max(1, self.scroll.size.height - 2), animate=False)


def _update(widget: Static, content: Content) -> None:
    shown = widget.content
    if not isinstance(shown, Content) or not shown.is_same(content):
        widget.update(content)
