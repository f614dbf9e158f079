"""From a runbook's source to a runbook, or to everything that is wrong with it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from tuirunbook.core import readonly
from tuirunbook.core.evidence import Says
from tuirunbook.core.runbook import (
    CORE_QUESTIONS,
    NEEDS,
    PLACEHOLDER,
    RELEASES,
    VALUE_NAMES,
    Action,
    Escalation,
    Link,
    Option,
    Question,
    Runbook,
    Section,
    Step,
)
from tuirunbook.core.text import clean
from tuirunbook.library.mistakes import RunbookErrors
from tuirunbook.library.nodes import Source, Yaml, listed, near, quoted
from tuirunbook.library.outline import outline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import yaml

    from tuirunbook.library.outline import Part

_NUMBERED = re.compile(r"(\d+)[.)]\s+")


class Reader:
    """Turns one source into a runbook, or into everything that is wrong with it."""

    def __init__(self, text: str, origin: str) -> None:
        self.source = Source(text, origin)
        self.outline = outline(text)
        self.step_lines: dict[str, int] = {}
        self.question_lines: dict[str, int] = {}

    def runbook(self, *, file_name: str | None) -> Runbook:
        """The runbook; `file_name` is what its name has to be."""
        self._characters()
        self._placeholders()
        head = self._head(file_name)
        steps = self._steps()
        self._release_asks_first(steps)
        if self.source.mistakes:
            raise RunbookErrors(self.source.mistakes)
        return msgspec.structs.replace(
            head,
            lead=self._body(*self.outline.lead),
            steps=tuple(steps),
            background=tuple(
                Section(title=part.heading, body=self._body(part.body, part.end))
                for part in self.outline.parts
                if part.background
            ),
        )

    def _characters(self) -> None:
        for number, line in enumerate(self.source.lines):
            if clean(line) != line:
                column = next(i for i, character in enumerate(line) if clean(character) != character)
                self.source.wrong(number, column, f"U+{ord(line[column]):04X} is a character that cannot be shown")

    def _placeholders(self) -> None:
        for number, line in enumerate(self.source.lines):
            whole = {match.start(): match[1] for match in PLACEHOLDER.finditer(line)}
            for start in (match.start() for match in re.finditer(r"(?<![${])\{\{", line)):
                if start not in whole:
                    self.source.wrong(number, start, "this {{ is not closed by }} around one name on the same line")
                elif whole[start] not in VALUE_NAMES:
                    meant = near(whole[start], sorted(VALUE_NAMES)) or f"; known are {', '.join(sorted(VALUE_NAMES))}"
                    self.source.wrong(number, start, f"nothing is called {quoted(whole[start])}{meant}")

    def _head(self, file_name: str | None) -> Runbook:
        source = self.source
        fields: dict[str, yaml.Node] = {}
        document = Yaml(source, 1, max(self.outline.front - 1, 1))
        if self.outline.front == 0:
            source.wrong(0, 0, "a runbook begins with YAML front matter between two lines of ---")
        elif (root := document.root()) is not None:
            fields = document.mapping(
                root,
                "front matter",
                required=("name", "title", "version", "owner", "expected_minutes"),
                optional=("may_run", "escalate", "last_exercised"),
            )
        name = document.name(fields.get("name"), "name")
        if name and file_name is not None and name != file_name:
            document.wrong(fields["name"], f"name is that of the file, {quoted(file_name)}, not {quoted(name)}")
        return Runbook(
            name=name,
            title=document.text(fields.get("title"), "title"),
            version=document.text(fields.get("version"), "version"),
            owner=document.text(fields.get("owner"), "owner"),
            expected_minutes=_minutes(document, fields.get("expected_minutes")),
            escalate=_escalations(document, fields.get("escalate")),
            may_run=_roles(document, fields.get("may_run")),
            last_exercised=_day(document, fields.get("last_exercised")),
            steps=(),
            text=source.text,
            sha256=hashlib.sha256(source.text.encode(errors="surrogatepass")).hexdigest(),
            origin=source.file,
        )

    def _body(self, start: int, end: int, without: tuple[int, int] | None = None) -> str:
        lines = self.source.lines
        if without is not None:
            return "\n".join((*lines[start : without[0]], *lines[without[1] : end])).strip()
        return "\n".join(lines[start:end]).strip()

    def _steps(self) -> list[Step]:
        for line in self.outline.stray:
            self.source.wrong(
                line, 0, "a step fence stands by itself in a ## section of its own, not in a list or in background"
            )
        parts = [part for part in self.outline.parts if not part.background]
        if not parts:
            self.source.wrong(0, 0, "a runbook has at least one step: a ## section with a step fence")
        return [step for number, part in enumerate(parts, start=1) if (step := self._step(number, part)) is not None]

    def _step(self, number: int, part: Part) -> Step | None:
        title, fence = self._title(number, part), self._fence(part)
        if fence is None:
            return None
        document = Yaml(self.source, fence[0] + 1, fence[1] - 1)
        root = document.root()
        if root is None:
            return None
        fields = document.mapping(
            root,
            "a step",
            required=("action",),
            optional=("id", "questions", "links", "owners", "commands", "items"),
        )
        action = document.one_of(fields.get("action"), "action", tuple(Action))
        _belonging(document, root, fields, action)
        step_id = document.name(fields.get("id"), "id") or _slug(title)
        self._once(self.step_lines, step_id, "step", document, fields.get("id", root))
        questions = [
            question
            for node in document.items(fields.get("questions"), "questions")
            if (question := self._question(document, node)) is not None
        ]
        step = Step(
            id=step_id,
            number=number,
            title=title,
            action=Action(action or Action.NOTE),
            body=self._body(part.body, part.end, fence),
            questions=tuple(questions),
            links=_links(document, fields.get("links")),
            commands=_commands(document, fields.get("commands")),
            owners=document.texts(fields.get("owners"), "owners"),
            items=document.texts(fields.get("items"), "items"),
        )
        return step if action else None

    def _title(self, number: int, part: Part) -> str:
        numbered = _NUMBERED.match(part.heading)
        if numbered is None:
            return part.heading
        if int(numbered[1]) != number:
            self.source.wrong(part.start, 0, f"this is step {number} and is numbered {numbered[1]}")
        return part.heading[numbered.end() :]

    def _fence(self, part: Part) -> tuple[int, int] | None:
        if not part.fences:
            self.source.wrong(
                part.start,
                0,
                "this section has no step fence; a section to read stands under # Background or # Before you start",
            )
            return None
        for start, _ in part.fences[1:]:
            self.source.wrong(start, 0, "this section already has a step fence; a step has one")
        start, end = part.fences[0]
        inside = self.source.lines[start + 1 : end]
        opening = re.match(r"\s*(`{3,}|~{3,})", self.source.lines[start])
        mark = opening[1] if opening else "```"
        closed = bool(inside) and set(inside[-1].strip()) == set(mark) and len(inside[-1].strip()) >= len(mark)
        if not closed or any(line.lstrip().startswith(mark) for line in inside[:-1]):
            self.source.wrong(start, 0, f"this step fence is not closed by a line of {mark}")
            return None
        return start, end

    def _once(self, seen: dict[str, int], name: str, what: str, document: Yaml, node: yaml.Node) -> None:
        if name in seen:
            document.wrong(node, f"a {what} {quoted(name)} is there already, at line {seen[name]}")
        elif name:
            seen[name] = document.start + node.start_mark.line + 1

    def _question(self, document: Yaml, node: yaml.Node) -> Question | None:
        ids = {"id", "text", "why", "options"}
        given = _peek(node, "id")
        core = CORE_QUESTIONS.get(given or "")
        fields = document.mapping(
            node,
            "a question",
            required=("id",) if core else ("id", "text", "why", "options"),
            optional=sorted(ids - {"id"}) if core else (),
        )
        question_id = document.name(fields.get("id"), "id")
        self._once(self.question_lines, question_id, "question", document, fields.get("id", node))
        if not question_id:
            return None
        text, why = (document.text(fields.get(key), key) for key in ("text", "why"))
        options = [
            option
            for item in document.items(fields.get("options"), "options")
            if (option := _option(document, item, core)) is not None
        ]
        _options_are_whole(document, fields.get("options"), options, core)
        return Question(
            id=question_id,
            text=text or (core.text if core else ""),
            why=why or (core.why if core else ""),
            options=tuple(options) if "options" in fields or core is None else core.options,
            core=core is not None,
        )

    def _release_asks_first(self, steps: Sequence[Step]) -> None:
        """S6, S14, S16: before a step that releases, the core questions have been asked."""
        asked: set[str] = set()
        parts = [part for part in self.outline.parts if not part.background]
        for step in steps:
            if step.action in RELEASES:
                for question_id in CORE_QUESTIONS:
                    if question_id not in asked:
                        self.source.wrong(
                            parts[step.number - 1].start,
                            0,
                            f"this step can release a lock, and no step before it asks the core question {question_id}",
                        )
                return
            asked.update(question.id for question in step.questions)


def _minutes(document: Yaml, node: yaml.Node | None) -> int:
    text = document.text(node, "expected_minutes")
    if node is not None and text and not re.fullmatch(r"[1-9][0-9]{0,4}", text):
        document.wrong(node, f"expected_minutes is a whole number of minutes, not {quoted(text)}")
        return 0
    return int(text or 0)


def _day(document: Yaml, node: yaml.Node | None) -> str | None:
    text = document.text(node, "last_exercised")
    if node is None or not text:
        return None
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        document.wrong(node, f"last_exercised is a day such as 2026-11-20, not {quoted(text)}")
        return None


def _escalations(document: Yaml, node: yaml.Node | None) -> tuple[Escalation, ...]:
    made = []
    for item in document.items(node, "escalate"):
        fields = document.mapping(item, "an escalation", required=("to", "when"))
        made.append(
            Escalation(to=document.text(fields.get("to"), "to"), when=document.text(fields.get("when"), "when"))
        )
    return tuple(made)


def _roles(document: Yaml, node: yaml.Node | None) -> tuple[tuple[str, str], ...]:
    if node is None:
        return ()
    if not document.is_a(node, "mapping"):
        document.wrong(node, "may_run is a mapping from a role to the steps that it may run")
        return ()
    return tuple((document.text(role, "a role"), document.text(steps, "its steps")) for role, steps in node.value)


def _links(document: Yaml, node: yaml.Node | None) -> tuple[Link, ...]:
    made = []
    for item in document.items(node, "links"):
        fields = document.mapping(item, "a link", required=("text", "url"))
        url = document.text(fields.get("url"), "url")
        if url and not re.fullmatch(r"https?://[^\s<>]+", url):
            document.wrong(fields["url"], f"url begins with https:// or http://, not {quoted(url)}")
        made.append(Link(text=document.text(fields.get("text"), "text"), url=url))
    return tuple(made)


def _commands(document: Yaml, node: yaml.Node | None) -> tuple[tuple[str, ...], ...]:
    made = []
    for item in document.items(node, "commands"):
        if not document.is_a(item, "sequence"):
            document.wrong(
                item, "a command is a list of arguments, as in [aws, sts, get-caller-identity]; no shell reads it"
            )
            continue
        argv = document.texts(item, "a command")
        for argument, place in zip(argv, item.value, strict=True):
            if PLACEHOLDER.search(argument) and not PLACEHOLDER.fullmatch(argument):
                document.wrong(place, "a value stands for a whole argument, not for a part of one")
        if argv and all(argv) and (why := readonly.refusal(argv)) is not None:
            document.wrong(item, why)
        made.append(argv)
    return tuple(made)


def _belonging(document: Yaml, root: yaml.Node, fields: Mapping[str, yaml.Node], action: str) -> None:
    """`commands` belong to run, `items` to prevent; both are needed there, as `questions` are for ask."""
    for key, owner in (("commands", Action.RUN), ("items", Action.PREVENT)):
        if key in fields and action and action != owner:
            document.wrong(fields[key], f"{key} belong to a step with the action {owner}, not {action}")
        if key not in fields and action == owner:
            document.wrong(root, f"a step with the action {owner} lacks {key}")
    if action == Action.ASK and "questions" not in fields:
        document.wrong(root, "a step with the action ask lacks questions")


def _option(document: Yaml, node: yaml.Node, core: Question | None) -> Option | None:
    given = core.option(_peek(node, "value") or "") if core else None
    fields = document.mapping(
        node,
        "an option",
        required=("value",) if given else ("value", "label"),
        optional=("label", "says", "needs", "final") if given else ("says", "needs", "final"),
    )
    value = document.name(fields.get("value"), "value")
    says = document.one_of(fields.get("says"), "says", tuple(Says))
    final = document.one_of(fields.get("final"), "final", ("true", "false"))
    needs = tuple(
        document.one_of(item, "each of needs", NEEDS) for item in document.items(fields.get("needs"), "needs")
    )
    if not value:
        return None
    if given:
        _weights_stay(document, fields, given, says=says, needs=needs, final=final)
    elif says == Says.SUPPORTS:
        document.wrong(fields["says"], "only the core questions' own answers support a release; this one says nothing")
    if final == "true" and not given:
        document.wrong(fields["final"], "only the core questions' own answers are final")
    return Option(
        value=value,
        label=given.label if given else document.text(fields.get("label"), "label"),
        says=given.says if given else Says(says or Says.NOTHING),
        needs=tuple(need for need in NEEDS if need in needs or (given and need in given.needs)),
        final=given.final if given else False,
    )


def _weights_stay(
    document: Yaml, fields: Mapping[str, yaml.Node], given: Option, *, says: str, needs: Sequence[str], final: str
) -> None:
    """S14: what a core answer says, weighs and asks for stays; another label could turn it round."""
    if "label" in fields and document.text(fields["label"], "label") != given.label:
        document.wrong(
            fields["label"], f"the core answer {given.value} reads “{given.label}”; a runbook cannot change that"
        )
    if says and says != given.says:
        document.wrong(fields["says"], f"the core answer {given.value} says {given.says}; a runbook cannot change that")
    if final and (final == "true") != given.final:
        document.wrong(fields["final"], f"whether the core answer {given.value} is final cannot be changed")
    lost = [need for need in given.needs if need not in needs]
    if "needs" in fields and lost:
        document.wrong(
            fields["needs"], f"the core answer {given.value} also needs {listed(lost)}; a runbook can only add"
        )


def _options_are_whole(
    document: Yaml, node: yaml.Node | None, options: Sequence[Option], core: Question | None
) -> None:
    if node is None:
        return
    values = [option.value for option in options]
    for value in dict.fromkeys(value for value in values if values.count(value) > 1):
        document.wrong(node, f"the option {value} is there twice")
    for option in core.options if core else ():
        if option.value not in values:
            document.wrong(node, f"the core question {core.id if core else ''} lacks its option {option.value}")


def _peek(node: yaml.Node, key: str) -> str | None:
    """The text of one key of a mapping, without noting anything."""
    for key_node, value in node.value if Yaml.is_a(node, "mapping") else ():
        if key_node.value == key and Yaml.is_a(value, "scalar"):
            return str(value.value).strip()
    return None


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.casefold()))
