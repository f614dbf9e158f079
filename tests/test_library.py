"""Loading runbooks: what is read, and what is said about one with mistakes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuirunbook import library
from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import CORE_QUESTIONS, VALUE_NAMES, Action, Link

WHOLE_FILES = settings(deadline=None, max_examples=50)
HEAD = """\
---
name: mine
title: Mine
version: "2"
owner: us
expected_minutes: 5
---
# Mine
"""
CORE = """
## Ask
```step
action: rule-out
questions: [{id: ci}, {id: owner}, {id: holder-host}, {id: next}]
```
"""
RELEASE = """
## Release
```step
action: force-unlock
```
"""


def step(fence: str, title: str = "Do it") -> str:
    return f"{HEAD}\n## {title}\n\nText.\n\n```step\n{fence}\n```\n"


def mistakes(text: str) -> tuple[library.Mistake, ...]:
    try:
        library.parse(text, "mine.md")
    except library.RunbookErrors as errors:
        return errors.mistakes
    return ()


def sentences(text: str) -> str:
    return "\n".join(str(mistake) for mistake in mistakes(text))


def test_a_step_is_read_with_all_that_belongs_to_it() -> None:
    runbook = library.parse(
        step(
            "id: who-else\naction: ask\nowners: [Ada]\nlinks: [{text: Wiki, url: 'https://w.example/x'}]\n"
            "questions:\n  - id: q\n    text: Really {{ state.key }}?\n    why: It matters.\n    options:\n"
            "      - {value: y, label: Yes, needs: [who, note]}\n      - {value: n, label: No, says: unknown}",
            title="1. Ask somebody",
        ),
        "the journal",
    )
    (only,) = runbook.steps
    assert (only.id, only.number, only.title, only.action) == ("who-else", 1, "Ask somebody", Action.ASK)
    assert only.body == "Text."
    assert only.owners == ("Ada",)
    assert only.links == (Link(text="Wiki", url="https://w.example/x"),)
    question = runbook.question("q")
    assert question is not None
    assert question.text == "Really {{ state.key }}?"
    assert not question.core
    assert [(option.value, option.says, option.needs) for option in question.options] == [
        ("y", Says.NOTHING, ("who", "note")),
        ("n", Says.UNKNOWN, ()),
    ]
    assert runbook.origin == "the journal"


def test_a_step_without_an_id_is_named_after_its_title() -> None:
    assert library.parse(step("action: note", title="1. Write it down!"), "x").steps[0].id == "write-it-down"


def test_sections_under_background_are_read_and_not_walked() -> None:
    text = (
        f"{HEAD}Lead.\n# Before you start\n## When\nNow.\n# Steps\n## Go\n```step\naction: note\n```\n"
        "# Background\n## Why\nSo.\n### More\nYes."
    )
    runbook = library.parse(text, "x")
    assert [only.title for only in runbook.steps] == ["Go"]
    assert [(section.title, section.body) for section in runbook.background] == [
        ("When", "Now."),
        ("Why", "So.\n### More\nYes."),
    ]
    assert runbook.lead == "Lead."


def test_the_text_and_its_hash_are_kept_as_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.md"
    path.write_bytes(step("action: note").replace("\n", "\r\n").encode())
    runbook = library.load(path)
    assert runbook.text.encode() == path.read_bytes()
    again = library.parse(runbook.text, runbook.origin)
    assert again == runbook


@pytest.mark.parametrize(
    ("fence", "line", "column", "says"),
    [
        ("action: forse-unlock", 15, 9, "did you mean force-unlock"),
        ("acton: note", 15, 1, "a step knows no “acton”; did you mean action?"),
        ("acton: note", 15, 1, "a step lacks action"),
        ("action: note\naction: ask", 16, 1, "twice"),
        ("action:", 15, 1, "action is empty"),
        ("- action", 15, 1, "a step is a mapping"),
        ("action: [note]", 15, 9, "action is a text"),
        ("action: note\n  bad: x", 16, 6, "not YAML"),
        ("action: {{ state.key }}", 15, 9, "action is a text"),
        ("", 15, 1, "this block is empty"),
        ("action: ask", 15, 1, "lacks questions"),
        ("action: run", 15, 1, "lacks commands"),
        ("action: prevent", 15, 1, "lacks items"),
        ("action: note\nitems: [x]", 16, 8, "items belong to a step with the action prevent"),
        ("action: run\ncommands: [aws sts get-caller-identity]", 16, 12, "a list of arguments"),
        ("action: run\ncommands:\n  - [sh, -c, x]", 17, 5, "sh is a shell"),
        ("action: run\ncommands:\n  - [aws, x, get-y, 'a={{ state.key }}']", 17, 21, "stands for a whole argument"),
        ("action: note\nlinks: [{text: a, url: 'file:///x'}]", 16, 24, "begins with https://"),
        ("action: ask\nquestions: [{id: Q x}]", 16, 18, "joined by hyphens"),
        ("action: ask\nquestions: [{id: q}]", 16, 13, "a question lacks text"),
        ("action: note\nid: a b", 16, 5, "joined by hyphens"),
        ("action: note\nowners: me", 16, 9, "owners is a list"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_column(fence: str, line: int, column: int, says: str) -> None:
    assert any(
        (mistake.line, mistake.column) == (line, column) and says in mistake.sentence
        for mistake in mistakes(step(fence))
    ), sentences(step(fence))


def test_one_check_reports_every_mistake_in_order() -> None:
    text = step("action: nope\nowners: x\ncolour: red") + "\n## 3. Next\n```step\naction: nope\n```\n{{ state.kee }}\n"
    found = mistakes(text)
    assert [mistake.line for mistake in found] == [15, 16, 17, 20, 22, 24]
    assert "did you mean state.key" in found[-1].sentence


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "begins with YAML front matter"),
        ("# Hello\n", 1, "begins with YAML front matter"),
        (HEAD, 1, "at least one step"),
        (HEAD + "## Do\nNo fence.\n", 9, "no step fence"),
        (HEAD.replace("owner: us\n", "") + "## D\n```step\naction: note\n```", 2, "front matter lacks owner"),
        (HEAD.replace("5", "soon") + "## D\n```step\naction: note\n```", 6, "whole number of minutes"),
        (HEAD.replace("---\n#", "last_exercised: 2026-13-01\n---\n#"), 7, "is a day such as"),
        (HEAD.replace("---\n#", "may_run: everybody\n---\n#"), 7, "mapping from a role"),
        (HEAD.replace("---\n#", "escalate: [{to: Ada}]\n---\n#"), 7, "an escalation lacks when"),
        (HEAD + "## D\n```step\naction: note\n", 10, "not closed"),
        (HEAD + "## D\n```step\naction: note\n## E\n```step\naction: note\n```\n", 10, "not closed"),
        (HEAD + "## D\n- x\n  ```step\n  action: note\n  ```\n", 11, "stands by itself"),
        (HEAD + "# Background\n## D\n```step\naction: note\n```\n", 11, "stands by itself"),
        (HEAD + "## D\n```step\naction: note\n```\n```step\naction: note\n```\n", 13, "already has a step fence"),
        (HEAD + "## 2. D\n```step\naction: note\n```\n", 9, "this is step 1 and is numbered 2"),
        (HEAD + "## D\n\x1b[31m\n```step\naction: note\n```\n", 10, "U+001B"),
        (HEAD + "## D\nx {{ state key }}\n```step\naction: note\n```\n", 10, "around one name"),
        (HEAD + "## D\nx {{ state.key }\n```step\naction: note\n```\n", 10, "not closed by }}"),
    ],
)
def test_a_mistake_in_the_shape_is_told_with_its_line(text: str, line: int, says: str) -> None:
    assert any(mistake.line == line and says in mistake.sentence for mistake in mistakes(text)), sentences(text)


def test_ids_are_there_once() -> None:
    ask = "## Ask\n```step\naction: ask\nquestions: [{id: ci}]\n```\n"
    assert "mine.md:17:18: a question “ci” is there already, at line 12" in sentences(HEAD + ask + ask)
    assert "a step “ask” is there already" in sentences(HEAD + ask + ask)


def test_a_file_that_cannot_be_read_is_a_mistake_too(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in library.check(tmp_path / "x.md")[0].sentence
    (tmp_path / "x.md").write_bytes(b"---\nname: \xff\n")
    (mistake,) = library.check(tmp_path / "x.md")
    assert (mistake.line, mistake.column) == (2, 7)
    (tmp_path / "x.md").write_bytes(b"x" * (library.MAX_BYTES + 1))
    assert "at most" in library.check(tmp_path / "x.md")[0].sentence


def test_the_name_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text(step("action: note"), encoding="utf-8")
    (mistake,) = library.check(tmp_path / "other.md")
    assert str(mistake) == f"{tmp_path}/other.md:2:7: name is that of the file, “other”, not “mine”"


def test_yaml_that_is_built_to_exhaust_is_only_a_mistake() -> None:
    assert "nested too deeply" in sentences(step("action: " + "[" * 50_000))
    bomb = "action: note\n" + "\n".join(f"k{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 30)).replace(
        "[*a0, *a0]", "[x]"
    )
    assert "a step knows no “k29”" in sentences(step(bomb))


# The safety floor


@pytest.mark.parametrize("missing", CORE_QUESTIONS)
def test_s14_a_release_is_preceded_by_every_core_question(missing: str) -> None:
    text = HEAD + CORE.replace(f"{{id: {missing}}}", "{id: extra, text: t, why: w, options: [{value: a, label: b}]}")
    (mistake,) = mistakes(text + RELEASE)
    assert f"asks the core question {missing}" in mistake.sentence
    assert mistake.line == (HEAD + CORE + RELEASE).split("\n").index("## Release") + 1


@pytest.mark.parametrize("action", ["force-unlock", "delete-lock"])
def test_s14_questions_after_the_release_do_not_count(action: str) -> None:
    found = mistakes(HEAD + RELEASE.replace("force-unlock", action) + CORE)
    assert len(found) == len(CORE_QUESTIONS)


def test_s14_a_core_question_that_is_named_keeps_its_answers() -> None:
    runbook = library.parse(HEAD + CORE + RELEASE, "x")
    assert {question.id: question for question in runbook.questions()} == CORE_QUESTIONS


def reworded(question_id: str, **changes: str) -> str:
    """A runbook that spells out a core question; `changes` replace the option of that name."""
    options = "".join(
        changes.get(option.value.replace("-", "_"), f'      - {{value: {option.value}, label: "{option.label}"}}\n')
        for option in CORE_QUESTIONS[question_id].options
    )
    return step(f"action: ask\nquestions:\n  - id: {question_id}\n    text: Ours?\n    options:\n{options}")


def test_s14_the_words_of_a_core_answer_cannot_turn_it_round() -> None:
    turned = reworded("owner", mine_died="      - {value: mine-died, label: 'yes, it is still running'}\n")
    with pytest.raises(library.RunbookErrors, match="a runbook cannot change that"):
        library.parse(HEAD + turned, "x")


@pytest.mark.parametrize("question_id", CORE_QUESTIONS)
def test_s14_a_core_question_may_be_reworded_and_weighs_the_same(question_id: str) -> None:
    question = library.parse(reworded(question_id), "x").question(question_id)
    core = CORE_QUESTIONS[question_id]
    assert question is not None
    assert question.core
    assert (question.text, question.why) == ("Ours?", core.why)
    assert [option.label for option in question.options] == [option.label for option in core.options]
    assert [(option.says, option.needs, option.final) for option in question.options] == [
        (option.says, option.needs, option.final) for option in core.options
    ]


@pytest.mark.parametrize(
    ("option", "replacement", "says"),
    [
        ("running", "", "the core question ci lacks its option running"),
        ("running", "      - {value: running, says: nothing}\n", "says blocks; a runbook cannot change that"),
        ("cancelled", "      - {value: cancelled, says: supports}\n", "says nothing; a runbook cannot change that"),
        ("dont_know", "      - {value: dont-know, says: nothing}\n", "says unknown; a runbook cannot change that"),
        ("ended", "      - {value: ended, needs: [link]}\n", "also needs how; a runbook can only add"),
        ("running", "      - {value: running, final: true}\n", "cannot be changed"),
        ("none", "      - {value: none}\n      - {value: x, label: X, says: supports}\n", "only the core questions'"),
        ("none", "      - {value: none}\n      - {value: x, label: X, final: true}\n", "only the core questions'"),
    ],
)
def test_s14_a_core_question_cannot_be_weakened(option: str, replacement: str, says: str) -> None:
    assert says in sentences(reworded("ci", **{option: replacement}))


def test_s14_a_core_question_may_ask_for_more() -> None:
    more = "      - {value: none}\n      - {value: seen, label: Seen, needs: [note]}\n"
    ended = "      - {value: ended, needs: [link, how, who]}\n"
    question = library.parse(reworded("ci", none=more, ended=ended), "x").question("ci")
    assert question is not None
    seen, after = question.option("seen"), question.option("ended")
    assert seen is not None
    assert after is not None
    assert seen.says is Says.NOTHING
    assert after.needs == ("who", "how", "link")


def test_s14_a_question_of_ones_own_supports_nothing() -> None:
    fence = "action: ask\nquestions: [{id: q, text: t, why: w, options: [{value: a, label: b, says: supports}]}]"
    assert "only the core questions' own answers support" in sentences(step(fence))


@WHOLE_FILES
@given(st.sampled_from(["sh", "bash", "/bin/sh", "terraform", "tofu", "terragrunt", "python3", "env", "./x", "xargs"]))
def test_s14_no_run_step_starts_a_shell_an_interpreter_or_terraform(program: str) -> None:
    (mistake,) = mistakes(step(f"action: run\ncommands:\n  - ['{program}', '-c', 'x']"))
    assert (mistake.line, mistake.column) == (17, 5)


SHIPPED = (library.find_shipped() / "state-lock.md").read_text(encoding="utf-8").split("\n")
FENCES = [number for number, line in enumerate(SHIPPED) if line == "```step"]
PROSE = [n for n, line in enumerate(SHIPPED) if re.match(r"[A-Z][a-z]", line) and n > FENCES[0]]


@WHOLE_FILES
@given(
    st.sampled_from(FENCES), st.sampled_from(["colour: red", "questions: none", "action: wait", "id: A", "links: {}"])
)
def test_a_mistake_anywhere_is_found_at_its_line(fence: int, wrong: str) -> None:
    key = wrong.split(":", 1)[0]
    lines = [*SHIPPED[: fence + 1], wrong, *SHIPPED[fence + 1 :]]
    expected = {fence + 2}
    if key == "action" or (key == "questions" and SHIPPED[fence + 2] == "questions:"):
        expected |= {fence + 3, fence + 4}
    assert expected & {mistake.line for mistake in mistakes("\n".join(lines))}


@WHOLE_FILES
@given(st.lists(st.sampled_from(PROSE), min_size=1, max_size=5, unique=True), st.sampled_from(["lock", "state.x", ""]))
def test_every_unknown_name_is_found_at_its_line(numbers: list[int], name: str) -> None:
    lines = list(SHIPPED)
    for number in numbers:
        lines[number] += " {{ " + name + " }}"
    assert [mistake.line for mistake in mistakes("\n".join(lines))] == [number + 1 for number in sorted(numbers)]


@WHOLE_FILES
@given(st.data())
def test_any_line_may_go_missing_without_a_crash(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SHIPPED) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(SHIPPED))))
    for mistake in mistakes("\n".join(SHIPPED[:start] + SHIPPED[end:])):
        assert mistake.line >= 1
        assert mistake.column >= 1


@WHOLE_FILES
@given(st.text(max_size=300))
def test_any_text_is_a_runbook_or_has_mistakes(text: str) -> None:
    assert mistakes(text)


# Finding


def test_a_teams_runbook_stands_in_for_ours_and_says_so(tmp_path: Path) -> None:
    team, user = tmp_path / "team", tmp_path / "user"
    for directory, names in ((team, ["state-lock", "zz"]), (user, ["zz"])):
        directory.mkdir()
        for name in names:
            (directory / f"{name}.md").write_text("", encoding="utf-8")
    found = {runbook.name: runbook for runbook in library.available([team, user, tmp_path / "absent"])}
    assert (found["state-lock"].origin, found["state-lock"].shadows) == (str(team), "tflock-tui")
    assert (found["zz"].path, found["zz"].shadows) == (user / "zz.md", str(team))
    assert found["access-denied"].shadows is None


# Showing


@WHOLE_FILES
@given(st.dictionaries(st.sampled_from(sorted(VALUE_NAMES)), st.text(max_size=30)))
def test_s12_showing_leaves_the_source_alone_and_values_as_data(values: dict[str, str]) -> None:
    runbook = library.load(library.find_shipped() / "state-lock.md")
    before = runbook.text
    shown = library.show(runbook, values)
    assert runbook.text == before
    body = shown[shown.index("# Clear a stuck") :]
    for value in values.values():
        if len(value) > 3 and set(value) & set("$`;|<>*{}\n"):
            assert body.count(value) == before.count(value) or value in library.show(runbook, {})


def test_s12_a_value_that_a_shell_would_read_is_named_and_not_filled_in() -> None:
    runbook = library.parse(step("action: run\ncommands: [[x, '{{ state.key }}']]") + "\nSee {{ state.key }}.", "x")
    shown = library.show(runbook, {"state.key": "a; $(rm -rf /)\n# t"})
    assert "See {{ state.key }}." in shown
    assert "    state.key = 'a; $(rm -rf /) # t' (not filled in: quote it yourself)" in shown
    assert "\nx 'a; $(rm -rf /)" not in shown


def test_a_shown_runbook_can_be_followed_by_hand() -> None:
    fence = "action: run\nowners: [Ada]\ncommands:\n  - [aws, s3api, head-object, --key, '{{ state.key }}']"
    shown = library.show(
        library.parse(step(fence) + "\nSee {{ state.key }}.", "x"), {"state.key": "env:/p/x y.tfstate"}
    )
    assert "aws s3api head-object --key 'env:/p/x y.tfstate'" in shown
    shown = library.show(library.parse(step(fence) + "\nSee {{ state.key }}.", "x"), {})
    assert "aws s3api head-object --key {{ state.key }}" in shown
    assert "    state.key is not known" in shown
    assert "Ask: Ada" in shown


def test_markdown_and_yaml_are_loaded_only_with_a_runbook() -> None:
    code = "import sys, tuirunbook.library; print({'yaml', 'markdown_it', 'mdit_py_plugins'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
