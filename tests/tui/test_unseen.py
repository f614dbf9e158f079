"""While the lock cannot be read, the screen shows what is known of its holder, and says that it was not seen."""

from __future__ import annotations

import pytest
from textual.content import Content

from tests.core.test_claims import BLIND, CLAIM, pasted
from tests.support.incidents import FREE, A, B, Story, held, lock_text, look
from tests.support.views import view_of
from tuirunbook.core.events import WatchLost
from tuirunbook.core.evidence import InLine, Match, Says
from tuirunbook.core.lock import LockIdentity, NotChecked, Store
from tuirunbook.tui.panes.exhibits import row_line, rows_of
from tuirunbook.tui.panes.look import inspect
from tuirunbook.tui.panes.rule_out import rule_out
from tuirunbook.tui.view import View, header

NOT_SEEN = "the pasted error claims it; the lock itself has not been seen here"
HOSTILE = "[bold]evil[/x]\x1b[31m@host"


def text(lines: object) -> str:
    return "\n".join(line.plain for line in lines if isinstance(line, Content))  # type: ignore[attr-defined]


def blind(*, seen: bool = False, lock: LockIdentity = A) -> View:
    """A walk with a pasted error and what CI says of it, whose looks are refused."""
    story = Story()
    if seen:
        story.look()
    pasted(story)
    story.finding("ci.github.active", Says.BLOCKS, lock=lock, fact="in progress, and names this state: run 812")
    story.look(BLIND)
    story.add(WatchLost, why="the login has expired")
    return view_of(story)


@pytest.mark.parametrize("pane", [inspect, rule_out])
def test_it_is_said_that_the_lock_was_not_seen_and_what_is_known_of_its_holder(pane: object) -> None:
    said = text(pane(blind()))  # type: ignore[operator]
    assert NOT_SEEN in said
    assert "Nothing can be released until it is read" in said
    assert "in progress, and names this state: run 812" in said
    assert "Verdict so far ACTIVE" in said


@pytest.mark.parametrize("pane", [inspect, rule_out])
def test_what_is_known_of_another_lock_is_not_shown_for_it(pane: object) -> None:
    said = text(pane(blind(lock=B)))  # type: ignore[operator]
    assert "run 812" not in said
    assert "Verdict so far CANNOT TELL" in said


def test_before_the_first_answer_it_is_shown_below_the_stores_that_are_read() -> None:
    story = Story()
    pasted(story)
    readings = {Store.S3: NotChecked(why="the login has expired", code="TokenExpired", advice="aws sso login")}
    said = text(inspect(view_of(story, snapshot=None, readings=readings)))
    assert said.index("Reading the lock") < said.index("aws sso login") < said.index(NOT_SEEN)


def test_the_header_names_the_holder_as_claimed_and_not_as_seen() -> None:
    lines = header(blind(), 78).plain.split("\n")
    assert "BLIND" in lines[1]
    assert "asked 0s ago" in lines[1]
    assert lines[2].startswith("CLAIMED, NOT SEEN  APPLY  runner@ci-7")
    assert lines[2].endswith(A[:8])


def test_the_header_tells_what_comes_next_also_of_a_claimed_lock() -> None:
    story = Story()
    pasted(story)
    line = InLine(what="run 815", starts="starts by itself", match=Match.COULD_BE, stage="queued")
    story.finding("ci.github.next", Says.NOTHING, asked="github", in_line=(line,))
    story.look(BLIND)
    story.add(WatchLost, why="the login has expired")
    assert "Next in line, by CI: 1 queued" in header(view_of(story), 78).plain


def test_a_lock_that_was_seen_before_is_told_apart_from_a_claim() -> None:
    view = blind(seen=True)
    assert "it was held when it was read last, and cannot be read now" in text(rule_out(view))
    assert header(view, 78).plain.split("\n")[2].startswith("UNSEEN NOW")


def half_blind() -> View:
    """A walk that sees one lock, with a pasted error that claims another: it may be in the store that is not read."""
    story = Story()
    pasted(story)
    story.finding("ci.github.active", Says.BLOCKS, lock=A, fact="in progress, and names this state: run 812")
    story.finding("ci.github.active", Says.NOTHING, lock=B, fact="no run in progress names this state")
    story.look(look(s3=BLIND.s3, dynamodb=held(Store.DYNAMODB, lock_text(B))))
    story.add(WatchLost, why="the login has expired")
    return view_of(story)


def test_while_one_lock_is_read_the_evidence_about_the_claimed_one_is_shown_as_well() -> None:
    view = half_blind()
    assert (view.incident.identities, [info.id for info in view.incident.unseen]) == ((B,), [A])
    shown = [row_line(row, view, 120).plain for row in rows_of(view)]
    assert any(f"[{A[:8]}] in progress, and names this state: run 812" in line for line in shown)
    assert any(f"[{B[:8]}] no run in progress" in line for line in shown)
    said = text(rule_out(view))
    assert said.index("no run in progress") < said.index(NOT_SEEN) < said.index("run 812")


def test_a_look_that_shows_no_lock_leaves_no_claim_on_the_screen() -> None:
    story = Story()
    pasted(story)
    story.look(look(s3=FREE, dynamodb=FREE))
    view = view_of(story)
    assert NOT_SEEN not in text(inspect(view)) + text(rule_out(view))
    assert "never seen here" in header(view, 78).plain


def test_s12_a_claimed_holder_is_text() -> None:
    story = Story()
    pasted(story, type(CLAIM)(id=CLAIM.id, who=HOSTILE))
    plain = header(view_of(story, snapshot=None), 78).plain
    assert "[bold]evil[/x]" in plain
    assert "\x1b" not in plain
