"""The runbooks that come with the tool."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tuirunbook import library
from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import CORE_QUESTIONS, RELEASES, VALUE_NAMES, Action

NAMES = ["access-denied", "digest-mismatch", "state-lock", "table-missing"]
TOP = Path(__file__).resolve().parents[1]


def test_they_are_the_four_and_they_are_found() -> None:
    found = library.available()
    assert [runbook.name for runbook in found] == NAMES
    assert {runbook.origin for runbook in found} == {"tflock-tui"}


@pytest.mark.parametrize("name", NAMES)
def test_each_has_no_mistake(name: str) -> None:
    assert library.check(library.find_shipped() / f"{name}.md") == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_says_who_when_and_what_never(name: str) -> None:
    runbook = library.load(library.find_shipped() / f"{name}.md")
    assert runbook.owner
    assert runbook.may_run
    assert runbook.escalate
    assert runbook.expected_minutes
    titles = [section.title for section in runbook.background]
    assert titles[:3] == ["When to use it", "When not to use it", "Never do this"]
    assert "Can be undone" in runbook.lead


def test_the_lock_runbook_is_the_procedure() -> None:
    runbook = library.load(library.find_shipped() / "state-lock.md")
    assert [step.action for step in runbook.steps] == [
        Action.DETECT,
        Action.INSPECT,
        Action.RULE_OUT,
        Action.RETRY_PLAN,
        Action.PREPARE,
        Action.FORCE_UNLOCK,
        Action.DELETE_LOCK,
        Action.VERIFY,
        Action.PREVENT,
    ]
    assert {question.id: question for question in runbook.questions()} == CORE_QUESTIONS


def test_the_lock_runbook_answers_the_five_questions_and_names_the_causes() -> None:
    runbook = library.load(library.find_shipped() / "state-lock.md")
    assert [section.title for section in runbook.background[3:]] == [
        "Why is there a lock?",
        "Is an old lock stale?",
        "Can I use `-lock=false`?",
        "What is the `-md5` row?",
        "What does force-unlock do, and can it hurt?",
        "What leaves locks behind",
    ]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "state-lock"])
def test_the_others_release_nothing_and_support_no_release(name: str) -> None:
    runbook = library.load(library.find_shipped() / f"{name}.md")
    assert not {step.action for step in runbook.steps} & RELEASES
    for question in runbook.questions():
        assert Says.SUPPORTS not in {option.says for option in question.options}


@pytest.mark.parametrize("name", NAMES)
def test_s8_no_command_to_copy_does_what_is_never_done(name: str) -> None:
    text = (library.find_shipped() / f"{name}.md").read_text(encoding="utf-8")
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        assert "-lock=false" not in block
        assert not re.search(r"terraform (?:apply|destroy)|-reconfigure|-migrate-state|-force-copy|-upgrade", block)
        for command in re.split(r"(?<!\\)\n", block):
            if re.search(r"delete-item|update-item|put-item", command):
                assert "--condition-expression" in command
            if "delete-object" in command:
                assert "--if-match" in command


@pytest.mark.parametrize("name", NAMES)
def test_each_reads_on_a_narrow_terminal(name: str) -> None:
    text = (library.find_shipped() / f"{name}.md").read_text(encoding="utf-8")
    outside = re.sub(r"^---\n.*?^---\n|^ *```.*?^ *```|^ *\|.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert max(len(line) for line in outside.splitlines()) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_each_can_be_printed_with_every_value_filled_in(name: str) -> None:
    runbook = library.load(library.find_shipped() / f"{name}.md")
    values = {name: f"value-of-{name}" for name in VALUE_NAMES}
    text = library.show(runbook, values)
    assert "{{" not in text
    assert "```step" not in text
    for question in runbook.questions():
        assert question.text in text
        assert all(f"- [ ] {option.label}" in text for option in question.options)


def test_the_wheel_carries_them_where_they_are_looked_for() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included["runbooks"] == "tuirunbook/runbooks"


def test_an_installed_package_uses_the_copy_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuirunbook.library.resources.files", lambda _: tmp_path / "tuirunbook")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "tuirunbook").mkdir()
    assert library.find_shipped() == tmp_path / "runbooks"
    (tmp_path / "tuirunbook" / "runbooks").mkdir()
    assert library.find_shipped() == tmp_path / "tuirunbook" / "runbooks"
