"""The list of states fills in, held ones first."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from textual.widgets import Input

from tests.support.fronts import EmptyFront
from tests.support.incidents import FREE, held, lock_text, look
from tests.support.pilots import HOSTILE, SIZES, OneScreen, notices, painted, piloted, text_of, until
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.lock import LockSnapshot, NotChecked, Store
from tuirunbook.core.state import Hazard, Unresolved
from tuirunbook.tui.front import NoRoot, StateRow
from tuirunbook.tui.screens.states import StatesScreen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXPIRED = NotChecked(why="the SSO session has expired", code="UnauthorizedSSOTokenError", advice="aws sso login")
DENIED = NotChecked(why="AWS refused the read", code="AccessDeniedException")


def root(name: str, workspace: str = "default") -> RootModule:
    arguments = {"bucket": "acme-tfstate", "key": f"{name}/terraform.tfstate", "dynamodb_table": "t"}
    return RootModule(
        directory=f"/repo/{name}", name=name, workspace=workspace, backend=Backend(type="s3", arguments=arguments)
    )


def free() -> LockSnapshot:
    return look(s3=FREE, dynamodb=FREE)


class Repository(EmptyFront):
    """States that are read when the test lets them."""

    def __init__(self, *read: StateRow, error: Sequence[RootModule] | NoRoot | None = None) -> None:
        self.read = read
        self.error = error
        self.gate = threading.Event()
        self.surveys = 0

    def pasted(self) -> str:
        return "Error acquiring the state lock" if self.error is not None else ""

    def find_by_error(self, text: str) -> Sequence[RootModule] | NoRoot:
        del text
        return self.error or ()

    def survey(self) -> Iterator[StateRow]:
        self.surveys += 1
        for row in self.read:
            yield msgspec.structs.replace(row, snapshot=None, trouble="")
        self.gate.wait(20)
        yield from self.read


def rows_of(app: OneScreen) -> list[str]:
    return [line for line in painted(app).splitlines() if line[2:3] in "■□?!…" and line[2:3]]


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_rows_fill_in_and_held_ones_rise(size: tuple[int, int]) -> None:
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()),
        StateRow(root=root("beta"), snapshot=look(s3=DENIED, dynamodb=DENIED)),
        StateRow(root=root("delta"), snapshot=look(s3=EXPIRED, dynamodb=EXPIRED)),
        StateRow(root=root("gamma", "prod"), snapshot=look()),
        StateRow(root=root("omega"), snapshot=look(dynamodb=held(Store.DYNAMODB, "{"))),
    )
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(rows_of(app)) == 5)
        assert all("… reading" in line for line in rows_of(app))
        assert "5 still reading" in text_of(app, "#states-status")
        front.gate.set()
        await until(pilot, lambda: "2 held" in text_of(app, "#states-status"))
        await until(pilot, lambda: "reading" not in text_of(app, "#states-status"))
        shown = rows_of(app)
        assert shown[0].startswith("▸ ■ held          gamma [prod]")
        assert "apply 30m runner@ci-7" in shown[0]
        assert shown[1].startswith("  ■ unreadable    omega")
        assert shown[2].startswith("  ? not read      beta")
        assert shown[3].startswith("  ? not signed in delta")
        assert shown[4].startswith("  □ free          alpha")
        await pilot.press("enter")
        assert app.outcomes[0].name == "gamma"


@piloted
async def test_the_cursor_stays_on_its_state_while_rows_move() -> None:
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()),
        StateRow(root=root("beta"), snapshot=free()),
        StateRow(root=root("gamma"), snapshot=look()),
    )
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(rows_of(app)) == 3)
        await pilot.press("j")
        await until(pilot, lambda: "▸ … reading       beta" in painted(app))
        front.gate.set()
        await until(pilot, lambda: "▸ □ free          beta" in painted(app))
        assert rows_of(app)[0].startswith("  ■ held          gamma")


@piloted
async def test_a_handed_in_error_selects_its_state() -> None:
    named = root("beta")
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()), StateRow(root=named, snapshot=free()), error=[named]
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "▸ □ free          beta" in painted(app))
        assert "The error names" in notices(app)


@piloted
async def test_an_error_about_another_state_is_told() -> None:
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()), error=NoRoot(sentence="No [/x] state.", next_step="Go there.")
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "No [/x] state. Go there." in notices(app))


@piloted
async def test_a_filter_narrows_and_escape_widens_again() -> None:
    front = Repository(*(StateRow(root=root(f"team-{number}"), snapshot=free()) for number in range(30)))
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "30 states" in text_of(app, "#states-status"))
        await pilot.press("slash", *"team-7")
        await until(pilot, lambda: len(rows_of(app)) == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "states-rows")
        await pilot.press("slash", *"zzz")
        await until(pilot, lambda: "No state matches" in painted(app))
        await pilot.press("enter", "enter")
        assert app.outcomes == []
        await pilot.press("escape")
        await until(pilot, lambda: len(rows_of(app)) > 10)
        await pilot.press("escape")
        assert app.outcomes == [None]


@piloted
async def test_a_survey_that_fails_keeps_what_was_read() -> None:
    class Failing(Repository):
        def survey(self) -> Iterator[StateRow]:
            yield self.read[0]
            raise OSError("the disk [/x] is gone")

    app = OneScreen(StatesScreen(Failing(StateRow(root=root("alpha"), snapshot=free())).front))
    async with app.run_test(notifications=True) as pilot:
        await until(pilot, lambda: "the disk [/x] is gone" in notices(app))
        await until(pilot, lambda: "□ free          alpha" in painted(app))


@piloted
async def test_reading_again_asks_again() -> None:
    front = Repository(StateRow(root=root("alpha"), snapshot=free()))
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "□ free" in painted(app))
        await pilot.press("r")
        await until(pilot, lambda: front.surveys == 2)


@pytest.mark.parametrize("size", SIZES)
@piloted
async def test_hostile_states_are_text(size: tuple[int, int]) -> None:
    hostile = msgspec.structs.replace(root("x"), name=HOSTILE, workspace=HOSTILE)
    snapshot = look(dynamodb=held(Store.DYNAMODB, lock_text(Who=HOSTILE + "w" * 400_000)), s3=FREE)
    front = Repository(
        StateRow(root=hostile, snapshot=snapshot),
        StateRow(root=msgspec.structs.replace(root("y"), backend=Backend(type="s3")), trouble=HOSTILE),
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "■ held" in painted(app))
        assert "owned" not in painted(app)
        await pilot.press("j")
        await until(pilot, lambda: "red [PROD] [/x]" in text_of(app, "#states-detail"))


@piloted
async def test_the_own_root_comes_before_others_that_are_no_worse_and_is_marked() -> None:
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()),
        StateRow(root=root("beta"), snapshot=look()),
        StateRow(root=root("omega"), snapshot=free(), here=True),
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "□ free" in painted(app))
        assert [line[18:30].strip() for line in rows_of(app)] == ["beta", "omega ◂ here", "alpha"]


@piloted
async def test_states_of_one_name_are_told_apart() -> None:
    other = msgspec.structs.replace(
        root("alpha"), backend=Backend(type="s3", arguments={"bucket": "acme-other", "key": "k"})
    )
    front = Repository(
        StateRow(root=root("alpha"), snapshot=free()),
        StateRow(root=other, snapshot=free()),
        StateRow(root=root("beta"), config_files=("dev.tfbackend",), snapshot=free()),
        StateRow(root=root("beta"), config_files=("prod.tfbackend",), snapshot=free()),
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: len(rows_of(app)) == 4)
        assert [line[18:].rstrip() for line in rows_of(app)] == [
            "alpha  acme-tfstate/alpha/terraform.tfstate",
            "alpha  acme-other/k",
            "beta (dev.tfbackend)",
            "beta (prod.tfbackend)",
        ]


@piloted
async def test_a_row_says_why_it_was_not_read_and_the_detail_says_what_to_do() -> None:
    lacks = Unresolved(argument="key", why="Makefile:3 takes it from a variable", how="map this root")
    front = Repository(
        StateRow(root=root("alpha"), trouble="The backend lacks key. Map this root.", unresolved=(lacks,)),
        StateRow(root=root("beta"), snapshot=look(s3=DENIED, dynamodb=DENIED)),
        StateRow(root=root("gamma"), snapshot=look()),
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "1 held   2 not known" in text_of(app, "#states-status"))
        assert "lock 3f8f3f8f" in text_of(app, "#states-detail")
        held_row, alpha, beta = rows_of(app)
        assert "apply" in held_row
        assert alpha.endswith("lacks key")
        assert beta.endswith("AWS refused the read")
        await pilot.press("j")
        await until(pilot, lambda: "Map this root." in text_of(app, "#states-detail"))


@piloted
async def test_a_state_that_is_gone_when_read_again_leaves_the_list() -> None:
    front = Repository(StateRow(root=root("alpha"), snapshot=free()), StateRow(root=root("beta"), snapshot=free()))
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: painted(app).count("□ free ") >= 2)
        front.read = front.read[:1]
        await pilot.press("r")
        await until(pilot, lambda: "1 state " in painted(app))
        assert "beta" not in painted(app)


@piloted
async def test_what_the_filter_looks_into_is_everything_that_one_may_have_been_told() -> None:
    hazard = Hazard(hazard="dynamodb-only", why="it is deprecated", how="add use_lockfile")
    front = Repository(
        StateRow(root=root("alpha"), snapshot=look()),
        StateRow(root=root("beta"), snapshot=free(), hazards=(hazard,)),
        StateRow(root=root("gamma"), snapshot=free(), config_files=("qa.tfbackend",)),
    )
    front.gate.set()
    app = OneScreen(StatesScreen(front.front))
    async with app.run_test() as pilot:
        await until(pilot, lambda: "3 states   1 held" in text_of(app, "#states-status"))
        for wanted, name in (("3f8f3f8f", "alpha"), ("dynamodb_table only", "beta"), ("qa.tf", "gamma")):
            app.screen.query_one("#states-filter", Input).value = wanted
            await until(pilot, lambda: len(rows_of(app)) == 1)
            assert name in rows_of(app)[0]
            app.screen.query_one("#states-filter", Input).value = ""
            await until(pilot, lambda: len(rows_of(app)) == 3)
