"""Where no backend is found: paste the error, or name the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer, Input, Label, Static, TextArea

from tuirunbook.core.backend import RootModule
from tuirunbook.core.diagnosis import diagnose
from tuirunbook.core.text import clean, one_line
from tuirunbook.tui.background import in_background
from tuirunbook.tui.commands import ABIDING, START, bindings
from tuirunbook.tui.front import Front, NoRoot
from tuirunbook.tui.rows import Rows

_FIELDS: Mapping[str, tuple[str, str]] = {
    "bucket": ("bucket", "acme-tfstate"),
    "key": ("key", "network/terraform.tfstate or env:/prod/network/terraform.tfstate"),
    "table": ("lock table", "the DynamoDB table; empty for a lockfile only"),
    "region": ("region", "eu-west-1; empty for the profile's"),
}


class Choices(Rows):
    """Rows of which one is picked with enter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "choose")]


class StartScreen(Screen[RootModule | None]):
    """Dismisses with the state to walk, or None. Whatever is wrong is said below; nothing that was typed is lost."""

    CSS_PATH = "start.tcss"
    AUTO_FOCUS = "#start-error"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(START), *bindings(ABIDING)]
    ABOUT: ClassVar[tuple[str, ...]] = (
        "No backend was found here, so this asks which state it is about. Nothing is read before you say so.",
        "Paste what Terraform printed: its Path names the state. Or give bucket and key, as the backend has them.",
    )

    error = getters.query_one("#start-error", TextArea)
    trouble = getters.query_one("#start-trouble", Static)
    choices = getters.query_one("#start-choices", Choices)

    class Found(Message):
        """The search has ended: with states, or with why there is none."""

        def __init__(self, request: int, found: Sequence[RootModule] | NoRoot) -> None:
            super().__init__()
            self.request = request
            self.found = found

    def __init__(self, front: Front, why: NoRoot) -> None:
        super().__init__()
        self._front = front
        self._why = why
        self._request = 0
        self._roots: tuple[RootModule, ...] = ()
        self._warned = False

    def compose(self) -> ComposeResult:
        """Why, then the error, then the fields, then what is wrong with them."""
        with VerticalScroll(id="start-body", can_focus=False):
            yield Static(Content(clean(self._why.sentence)), id="start-why")
            yield Static(Content(clean(self._why.next_step)), id="start-next")
            yield Label(Content("Paste here what Terraform printed"), classes="start-heading")
            yield TextArea(id="start-error", tab_behavior="focus", compact=True)
            yield Label(Content("or name the state"), classes="start-heading")
            for name, (label, example) in _FIELDS.items():
                with Horizontal(classes="start-field"):
                    yield Label(Content(label), classes="start-label")
                    yield Input(id=f"start-{name}", placeholder=example, compact=True)
            yield Static(Content(""), id="start-trouble")
            yield Choices(self._choice, id="start-choices")
        yield Footer(compact=True)

    def _choice(self, index: int, width: int) -> Content:
        root = self._roots[index]
        return Content(one_line(f"{root.name}   workspace {root.workspace}", width))

    def _say(self, sentence: str) -> None:
        self.trouble.update(Content(clean(sentence)))
        self.trouble.scroll_visible(animate=False)

    def values(self) -> dict[str, str]:
        """What stands in the fields now."""
        return {name: self.query_one(f"#start-{name}", Input).value.strip() for name in _FIELDS}

    def action_find(self) -> None:
        """Find the state that the fields, or else the error, name."""
        values, text = self.values(), self.error.text.strip()
        if values["bucket"] or values["key"]:
            missing = next((name for name in ("bucket", "key") if not values[name]), None)
            if missing:
                self._say(f"The {missing} is missing: bucket and key together name a state.")
                self.query_one(f"#start-{missing}", Input).focus()
                return
        elif not text:
            self._say("Nothing to go by yet: paste the error, or give bucket and key.")
            return
        self._request += 1
        self._say("looking…")
        self._find(self._request, text, values)

    @in_background
    def _find(self, request: int, text: str, values: Mapping[str, str]) -> None:
        found: Sequence[RootModule] | NoRoot
        try:
            if values["bucket"]:
                found = (self._front.root_from(values["bucket"], values["key"], values["table"], values["region"]),)
            else:
                found = self._front.find_by_error(text)
        except Exception as error:  # noqa: BLE001 - whatever it is, the operator must hear of it
            found = NoRoot(sentence=f"{error}", next_step="")
        self.post_message(self.Found(request, found))

    @on(Found)
    def _found(self, event: Found) -> None:
        if event.request != self._request:
            return
        found = event.found
        if isinstance(found, NoRoot):
            self._say(f"{found.sentence} {found.next_step}{self._take_path()}".strip())
        elif len(found) == 1:
            self.dismiss(found[0])
        elif found:
            self._roots = tuple(found)
            self.choices.set_count(len(self._roots), 0)
            self.choices.add_class("-asking")
            self.choices.focus()
            self._say("Several root modules have this state. Which one is it about?")
        else:
            self._say(f"Nothing here has the state that the error names.{self._take_path()}")

    def _take_path(self) -> str:
        """Fill empty fields from the error's `Path`, and say so."""
        values = self.values()
        if values["bucket"] or values["key"]:
            return ""
        path = next((lock.path for lock in diagnose(self.error.text).locks if lock.path), None)
        bucket, slash, key = (path or "").partition("/")
        if not (bucket and slash and key):
            return ""
        self.query_one("#start-bucket", Input).value = one_line(bucket)
        self.query_one("#start-key", Input).value = one_line(key, 1_000)
        self.query_one("#start-table", Input).focus()
        return " Its Path was put into the fields below; add the lock table and the region, then find again."

    @on(Rows.Chosen)
    def _chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(self._roots[event.row])

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        event.stop()
        if event.input.id == "start-region":
            self.action_find()
        else:
            self.focus_next()

    def action_leave(self) -> None:
        """Leave; what was typed is not thrown away without a word."""
        if (self.error.text.strip() or any(self.values().values())) and not self._warned:
            self._warned = True
            self._say("Escape once more leaves and forgets what is typed here.")
            return
        self.dismiss(None)

    @on(TextArea.Changed)
    @on(Input.Changed)
    def _typed(self) -> None:
        self._warned = False
