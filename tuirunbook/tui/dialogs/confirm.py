"""The confirmation of a release: what will be sent, what it can break, and what has to be typed."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from tuirunbook.core.actions import ForceUnlock
from tuirunbook.core.lock import describe, short
from tuirunbook.core.text import clean, one_line
from tuirunbook.tui.panes.parts import OPINION_STYLE
from tuirunbook.walk.responder import Prepared

DEAF_SECONDS = 0.5
"""How long keys are ignored after it opens, so that typing meant for another screen confirms nothing."""

TO_TYPE = "type it; nothing is sent before ctrl+y"


class ConfirmScreen(ModalScreen[dict[str, str] | None]):
    """Dismisses with what was typed, or None. Enter never confirms; only ctrl+y does, once everything is typed."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "cancel", id="confirm.cancel"),
        Binding("ctrl+y", "confirm", "release", id="confirm.release", priority=True),
    ]

    def __init__(
        self,
        prepared: Prepared,
        mistakes: Callable[[Mapping[str, str]], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.prepared = prepared
        self._mistakes = mistakes
        self._clock = clock
        self._opened = 0.0

    def compose(self) -> ComposeResult:
        """What, why not, what exactly; then the fields, and Cancel first."""
        prepared = self.prepared
        verb = "Force-unlock" if isinstance(prepared.action, ForceUnlock) else "Delete"
        with Vertical(id="confirm"):
            address = prepared.snapshot.address
            title = f"{verb} {short(prepared.action.lock)}?\n{one_line(address.lock_id, 200)}"
            yield Static(
                Content(f"{title}  {address.account or 'account not checked'}, {address.region}"), id="confirm-title"
            )
            with VerticalScroll(id="confirm-body", can_focus=False):
                yield Static(self._facts(), id="confirm-facts")
                for field in prepared.fields:
                    yield Label(Content(f"Type {field.label}"), classes="confirm-label")
                    yield Input(id=f"typed-{field.id}", compact=True, select_on_focus=False)
            yield Static(Content(TO_TYPE), id="confirm-trouble")
            with Horizontal(id="confirm-buttons"):
                yield Button("Cancel (esc)", id="confirm-cancel", variant="primary", compact=True)
                release = Button("Release (ctrl+y)", id="confirm-release", variant="error", compact=True, disabled=True)
                release.can_focus = False
                yield release

    def _facts(self) -> Content:
        prepared = self.prepared
        halves = prepared.snapshot.find(prepared.action.lock)
        verdict = prepared.verdict.opinion
        lines = [
            *(
                Content.assemble((f"{half.store.abbreviation:<8}", "$text-muted"), one_line(describe(half), 200))
                for half in halves
            ),
            Content.assemble(("Verdict ", "$text-muted"), (verdict.value.upper(), OPINION_STYLE[verdict])),
            Content.assemble(("Sends   ", "$text-muted"), clean(shlex.join(prepared.command), keep_newlines=False)),
            *(Content.styled(sentence, "$text-warning") for sentence in self._risks()),
        ]
        return Content("\n").join(lines)

    def _risks(self) -> list[str]:
        risks = ["If the holder lives, two writers work on one state: resources are lost from it, for everybody."]
        if isinstance(self.prepared.action, ForceUnlock):
            risks.append("Between Terraform's read and its delete, a lock taken in those milliseconds would be lost.")
        else:
            risks.append("Sent once, on the condition that it still is this lock; then both stores are read again.")
        return risks

    def on_mount(self) -> None:
        """Cancel has the focus."""
        self._opened = self._clock()
        self.query_one("#confirm-cancel", Button).focus()

    def on_key(self, event: events.Key) -> None:
        """Be deaf at first; after that, Enter only goes on to the next field, and typing begins in the first."""
        if self._clock() - self._opened < DEAF_SECONDS:
            event.stop()
            event.prevent_default()
        elif event.is_printable and event.character and not isinstance(self.focused, Input):
            event.stop()
            field = next((field for field in self.query(Input) if not field.value), self.query(Input).first())
            field.focus()
            field.insert_text_at_cursor(event.character)

    def typed(self) -> dict[str, str]:
        """What is typed now, by field."""
        return {str(field.id).removeprefix("typed-"): field.value for field in self.query(Input)}

    @on(Input.Changed)
    def _judge(self) -> None:
        mistakes = self._mistakes(self.typed())
        self.query_one("#confirm-release", Button).disabled = bool(mistakes)
        said = next((mistake for mistake in mistakes.values() if mistake != "nothing is typed yet"), "")
        said = said or (TO_TYPE if mistakes else "all is typed: ctrl+y releases, esc leaves")
        self.query_one("#confirm-trouble", Static).update(Content(said))

    @on(Input.Submitted)
    def _next_field(self) -> None:
        self.focus_next()

    @on(Button.Pressed, "#confirm-cancel")
    def action_leave(self) -> None:
        """Leave; nothing was sent."""
        self.dismiss(None)

    @on(Button.Pressed, "#confirm-release")
    def action_confirm(self) -> None:
        """Hand back what was typed, if it is complete and the keys are heard."""
        if self._clock() - self._opened < DEAF_SECONDS:
            return
        typed = self.typed()
        mistakes = self._mistakes(typed)
        if mistakes:
            name, mistake = next(iter(mistakes.items()))
            self.query_one("#confirm-trouble", Static).update(Content(f"not yet: {mistake}"))
            self.query_one(f"#typed-{name}", Input).focus()
            return
        self.dismiss(typed)
