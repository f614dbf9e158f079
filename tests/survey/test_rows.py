"""Rows of a survey: hazards, collisions, order; found before read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.locks import FIRST, lock_json
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.lock import Digest, Free, Held, LockSnapshot, NotChecked, StateObject, Store, StoredLock
from tuirunbook.core.state import State, Unresolved, hazards
from tuirunbook.survey import StateRow, Survey, row_object, urgency

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def state(name: str, program: str = "terraform", **arguments: object) -> State:
    given = {"bucket": "b", "key": "k", "region": "r", "use_lockfile": True} | arguments
    backend = Backend(type="s3", arguments={key: value for key, value in given.items() if value is not None})
    return State(root=RootModule(directory=f"/{name}", name=name, backend=backend, program=program), source="block: x")


def snapshot(root: RootModule, created: str | None = None) -> LockSnapshot:
    raw = lock_json(FIRST, Created=created).encode() if created else b""
    s3 = Held(lock=StoredLock.read(Store.S3, raw)) if created else Free()
    return LockSnapshot(
        address=root.address(),
        taken_at=NOW,
        dynamodb=NotChecked(why="no", code="not-configured"),
        s3=s3,
        digest=Digest(),
        state=StateObject(exists=False),
    )


class Answers:
    """Answers in reverse, to show that the order is the reader's own."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def read(self, roots: Sequence[RootModule]) -> Iterator[tuple[int, LockSnapshot]]:
        self.asked.append([root.name for root in roots])
        for number in reversed(range(len(roots))):
            yield number, snapshot(roots[number])


def test_every_row_comes_unread_first_and_then_as_its_answer_arrives() -> None:
    lacks = Unresolved(argument="key", why="no file here sets it", how="run init")
    broken = State(root=state("c").root, unresolved=(lacks,))
    answers = Answers()
    found = Survey(answers)
    rows = list(found.run([state("a", key="1"), state("b", key="2"), broken]))
    assert [(row.root.name, row.snapshot is not None) for row in rows] == [
        ("a", False),
        ("b", False),
        ("c", False),
        ("b", True),
        ("a", True),
    ]
    assert answers.asked == [["a", "b"]]
    assert "lacks key" in found.rows[2].trouble


def test_two_roots_at_one_place_name_each_other_and_a_third_names_both() -> None:
    found = Survey(None)
    list(found.run([state("a"), state("b"), state("c"), state("d", workspace_key_prefix="other")]))
    said = {row.root.name: [one.why.partition(":")[0] for one in row.hazards] for row in found.rows}
    assert said["a"] == ["bucket, key and prefix are also those of b, c"]
    assert said["c"] == ["bucket, key and prefix are also those of a, b"]
    assert said["d"] == []


def test_the_version_is_asked_only_where_it_matters_and_decides() -> None:
    asked: list[int] = []

    def version() -> tuple[int, ...]:
        asked.append(1)
        return (1, 9, 8)

    found = Survey(None, terraform=version)
    list(found.run([state("a", key="1"), state("b", key="2", role_arn="arn")]))
    assert asked == [1]
    assert found.rows[1].hazards == ()


@pytest.mark.parametrize(
    ("arguments", "program", "version", "kinds"),
    [
        ({}, "terraform", None, []),
        ({"use_lockfile": None}, "terraform", None, ["no-locking"]),
        ({"use_lockfile": None, "dynamodb_table": "t"}, "terraform", None, ["dynamodb-only"]),
        ({"use_lockfile": None, "dynamodb_table": "t"}, "tofu", None, []),
        ({"use_lockfile": None, "dynamodb_table": "t"}, "terraform", (1, 9, 0), []),
        ({"role_arn": "x"}, "terraform", (1, 11, 4), ["removed-argument"]),
        ({"role_arn": "x"}, "tofu", None, []),
        ({"assume_role": {"role_arn": "x"}}, "terraform", None, []),
    ],
)
def test_hazards_of_one_backend(
    arguments: dict[str, object], program: str, version: tuple[int, ...] | None, kinds: list[str]
) -> None:
    found = hazards(state("a", program, **arguments).root, version)
    assert [one.hazard for one in found] == kinds
    assert all(one.why and one.how for one in found)


def test_rows_are_sorted_held_first_then_oldest_then_unknown_then_free() -> None:
    roots = {name: state(name, key=name).root for name in "abcd"}
    rows = [
        StateRow(root=roots["a"], snapshot=snapshot(roots["a"])),
        StateRow(root=roots["b"], trouble="it lacks a key"),
        StateRow(root=roots["c"], snapshot=snapshot(roots["c"], "2026-11-23T09:00:00Z")),
        StateRow(root=roots["d"], snapshot=snapshot(roots["d"], "2026-11-22T09:00:00Z")),
    ]
    assert [row.root.name for row in sorted(rows, key=urgency)] == ["d", "c", "b", "a"]


def test_a_row_as_json_names_no_secret() -> None:
    row = StateRow(root=state("a", secret_key="hush", access_key="AKIA").root)
    assert "hush" not in str(row_object(row))
