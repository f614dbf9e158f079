"""The practice terraform beside the real one: the same commands on the same world, and what they print and leave."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws import EmbeddedAws
from tuirunbook.core.diagnosis import diagnose
from tuirunbook.core.scenario import Debriefing, Fate, Mode, PracticeLock, PracticeRoot, Right, Rules, Scenario
from tuirunbook.training.aws import ACCESS_KEY
from tuirunbook.training.ground import Ground
from tuirunbook.training.holders import run
from tuirunbook.training.place import Place

WHO = "runner@runnervm3jyl0"
WRONG = "11111111-2222-3333-4444-555555555555"
NEEDS_REAL = pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no terraform on PATH")
_CHANGING = [
    (re.compile(r"RequestID:\s+\S+?,"), "RequestID: X,"),
    (re.compile(r"HostID:\s+\S+?,"), "HostID: X,"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"Created: .*"), "Created:"),
    (re.compile(r"Version: .*"), "Version:"),
    (re.compile(r"\[id=[^\]]*\]"), "[id]"),
]


@contextmanager
def world(aws: EmbeddedAws, tmp_path: Path, mode: Mode, *, ours: bool, **lock: Any) -> Iterator[Ground]:
    """A world with one dead lock."""
    aws.reset()
    scenario = Scenario(
        name="x",
        page="",
        teaches="",
        mode=mode,
        roots=(PracticeRoot(name="prod/network"),),
        locks=(PracticeLock(**{"operation": "plan", "who": WHO, "fate": Fate.DEAD, **lock}),),
        judge=Rules(right=Right.RELEASE),
        debrief=Debriefing(truth=""),
    )
    place = Place(tmp_path)
    engine = Ground(scenario, place, aws)
    try:
        engine.build(practice_terraform=ours)
        yield engine
    finally:
        engine.close()
        place.remove()


def told(engine: Ground, *arguments: str, **environ: str) -> tuple[int, str]:
    code, said = run(engine.directory(engine.scenario.roots[0]), {**engine.environ, **environ}, *arguments)
    for pattern, word in _CHANGING:
        said = pattern.sub(word, said)
    refreshed = sorted(line for line in said.splitlines() if "Refreshing state" in line)
    others = [" ".join(line.split()) for line in said.splitlines() if "Refreshing state" not in line]
    return code, " ".join([*refreshed, *filter(None, others)])


def story(engine: Ground, lock: str) -> list[object]:
    """One after the other, what somebody does at night; with what is left in the stores."""
    key = engine.locks[0].key
    found: list[object] = []
    for arguments in (
        ("plan", "-no-color", "-input=false"),
        ("state", "list"),
        ("workspace", "list"),
        ("force-unlock", "-no-color", "-force", WRONG),
        ("force-unlock", "-no-color", "-force", lock),
        ("force-unlock", "-no-color", "-force", lock),
        ("plan", "-no-color", "-input=false"),
    ):
        found += [arguments[0], *told(engine, *arguments), sorted(engine.stores.locks(key))]
    return found


@NEEDS_REAL
@pytest.mark.real
@pytest.mark.parametrize("mode", list(Mode))
def test_both_print_and_leave_the_same(aws: EmbeddedAws, tmp_path: Path, mode: Mode) -> None:
    stories = []
    for ours in (False, True):
        with world(aws, tmp_path, mode, ours=ours) as engine:
            stories.append(story(engine, engine.locks[0].lock_id))
    assert stories[0] == stories[1]


@NEEDS_REAL
@pytest.mark.real
def test_both_leave_a_lock_that_they_may_not_give_back_and_say_so(aws: EmbeddedAws, tmp_path: Path) -> None:
    said = []
    for ours in (False, True):
        with world(aws, tmp_path, Mode.DYNAMODB, ours=ours) as engine:
            key = engine.locks[0].key
            engine.stores.remove(key, "dynamodb")
            aws.deny("DeleteItem", access_key=ACCESS_KEY)
            code, text = told(engine, "plan", "-no-color", "-input=false")
            said.append((code, text.partition("Who:")[0].partition("Error:")[2], bool(engine.stores.locks(key))))
    assert said[0] == said[1]
    assert "Error releasing the state lock" in said[0][1]


@NEEDS_REAL
@pytest.mark.real
@pytest.mark.parametrize("raw", ["", "{", "locked by kim", '{"ID":"'])
def test_both_say_the_same_of_a_lock_that_cannot_be_read(aws: EmbeddedAws, tmp_path: Path, raw: str) -> None:
    said = []
    for ours in (False, True):
        with world(aws, tmp_path, Mode.DYNAMODB, ours=ours, raw=raw) as engine:
            plan = told(engine, "plan", "-no-color", "-input=false")
            said.append((plan, told(engine, "force-unlock", "-no-color", "-force", WRONG)))
    assert said[0] == said[1]


@pytest.mark.parametrize("mode", list(Mode))
def test_what_ours_prints_is_diagnosed_as_a_lock(aws: EmbeddedAws, tmp_path: Path, mode: Mode) -> None:
    with world(aws, tmp_path, mode, ours=True) as engine:
        _, said = run(engine.directory(engine.scenario.roots[0]), engine.environ, "plan", "-no-color", "-input=false")
        diagnosis = diagnose(said)
        assert [lock.id for lock in diagnosis.locks] == [engine.locks[0].lock_id]
        assert diagnosis.locks[0].who == WHO


def test_ours_says_what_it_is_and_works_nowhere_else(aws: EmbeddedAws, tmp_path: Path) -> None:
    with world(aws, tmp_path, Mode.DYNAMODB, ours=True) as engine:
        where = engine.directory(engine.scenario.roots[0])
        assert "practice terraform of tflock-tui, not HashiCorp's" in run(where, engine.environ, "version")[1]
        version = json.loads(run(where, engine.environ, "version", "-json")[1])
        assert version["platform"] == "practice terraform of tflock-tui"
        elsewhere = {**engine.environ, "AWS_ENDPOINT_URL": "https://dynamodb.eu-west-1.amazonaws.com"}
        code, said = run(where, elsewhere, "plan")
        assert code == 1
        assert "practice goes nowhere else" in said
