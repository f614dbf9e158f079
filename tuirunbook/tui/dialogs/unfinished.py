"""Whether to go on with an incident that somebody left open."""

from __future__ import annotations

from datetime import datetime

from textual.content import Content

from tuirunbook.core.age import age
from tuirunbook.core.lock import parse_time
from tuirunbook.core.text import one_line
from tuirunbook.tui.dialogs.form import FormField, FormScreen
from tuirunbook.tui.front import IncidentRow

GO_ON = "go-on"


def ask(incident: IncidentRow, now: datetime) -> FormScreen:
    """A question with two answers; `what` in what it gives is `GO_ON`, or `anew`."""
    ago = age(parse_time(incident.opened_at), now)
    told = f"{incident.id} on {one_line(incident.state, 200)} was begun {ago} ago by {one_line(incident.operator, 60)}."
    more = "What was answered about a lock that is still there, and still the same, still counts."
    choices = [(GO_ON, f"go on with {incident.id}"), ("anew", "begin a new one")]
    return FormScreen(
        "This state has an open incident",
        [FormField(id="what", label="", choices=choices)],
        intro=Content(f"{told}\n{more}"),
    )
