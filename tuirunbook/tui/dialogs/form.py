"""A modal form of a few labelled fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static, TextArea

from tuirunbook.tui.dialogs.choices import Choices


class FormField(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to fill in.

    Attributes:
        id: Its name in the result.
        label: What to write, for people.
        value: What stands there at first.
        required: Whether it may not stay empty.
        choices: For a choice: `(value, label)` pairs, the first one chosen unless `value` names another.
        lines: More than one makes it a text area of that height.
    """

    id: str
    label: str
    value: str = ""
    required: bool = False
    choices: Sequence[tuple[str, str]] = ()
    lines: int = 1


class FormScreen(ModalScreen[dict[str, str] | None]):
    """Asks for a few fields; dismisses with their values by ID, or None when it was left.

    Enter goes to the next field and, in the last one, submits. Whatever is wrong is said below, and nothing is lost.
    """

    CSS_PATH = "form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="form.leave"),
        Binding("ctrl+s", "submit", "save", id="form.save", priority=True),
    ]

    def __init__(
        self,
        title: str,
        fields: Sequence[FormField],
        *,
        intro: Content | None = None,
        check: Callable[[Mapping[str, str]], str | None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._title = title
        self._fields = tuple(fields)
        self._intro = intro
        self._check = check

    def compose(self) -> ComposeResult:
        """Title, intro, fields, and a line for what is wrong."""
        with Vertical(id="form"):
            yield Static(Content(self._title), id="form-title")
            with VerticalScroll(id="form-body", can_focus=False):
                if self._intro is not None:
                    yield Static(self._intro, id="form-intro")
                for field in self._fields:
                    yield Label(Content(field.label), classes="form-label")
                    yield self._widget(field)
            yield Static(Content(""), id="form-trouble")
            yield Static(Content(self._keys()), id="form-keys")

    def _keys(self) -> str:
        """What the keys do in this form: Enter is a new line in a text area, and picks where there is one choice."""
        if any(field.lines > 1 for field in self._fields):
            return "tab next field   ctrl+s save   esc leave"
        if len(self._fields) == 1 and self._fields[0].choices:
            return "↑ ↓ move   enter picks   esc leave"
        return "enter goes on   ctrl+s save   esc leave"

    def _widget(self, field: FormField) -> Input | TextArea | OptionList:
        identifier = f"field-{field.id}"
        if field.choices:
            widget = Choices(field.choices, id=identifier, classes="form-choice")
            values = [value for value, _ in field.choices]
            widget.highlighted = values.index(field.value) if field.value in values else 0
            return widget
        if field.lines > 1:
            area = TextArea(field.value, id=identifier, classes="form-area")
            area.styles.height = field.lines + 2
            return area
        return Input(field.value, id=identifier, classes="form-input", compact=True)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.query_one(f"#field-{self._fields[0].id}").focus()

    def values(self) -> dict[str, str]:
        """What is filled in now."""
        found: dict[str, str] = {}
        for field in self._fields:
            widget = self.query_one(f"#field-{field.id}")
            if isinstance(widget, OptionList):
                found[field.id] = field.choices[widget.highlighted or 0][0]
            elif isinstance(widget, TextArea):
                found[field.id] = widget.text.strip()
            elif isinstance(widget, Input):
                found[field.id] = widget.value.strip()
        return found

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _go_on(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        if event.control.id == f"field-{self._fields[-1].id}":
            self.action_submit()
        else:
            self.focus_next()

    def action_submit(self) -> None:
        """Hand back the values, if they will do."""
        values = self.values()
        missing = [field for field in self._fields if field.required and not values[field.id]]
        trouble = f"still missing: {missing[0].label}" if missing else self._check(values)
        if trouble:
            self.query_one("#form-trouble", Static).update(Content(trouble))
            if missing:
                self.query_one(f"#field-{missing[0].id}").focus()
            return
        self.dismiss(values)

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)
