"""The part of a postmortem that people write, begun with what the journal knows. Facts only: no blame, no hindsight."""

from __future__ import annotations

from collections.abc import Iterator

from tuirunbook.core import causes
from tuirunbook.core.evidence import Says
from tuirunbook.core.incident import Incident
from tuirunbook.core.postmortem.account import Account
from tuirunbook.core.postmortem.document import Prompt
from tuirunbook.core.postmortem.times import duration, seconds_between, spoken
from tuirunbook.core.recurrence import recurring
from tuirunbook.core.text import one_line
from tuirunbook.core.timeline import capital, check_in_words, joined, outcome_in_words
from tuirunbook.core.verdict import QUESTION_NAMES

_MOST = 8


def prompts(account: Account) -> tuple[Prompt, ...]:
    """The headings to fill in."""
    details = account.incident.details
    surprise = (details.surprise,) if details and details.surprise else ()
    return (
        _prompt(
            "Contributing factors",
            "What let the lock outlive its holder, and what made it hard to see?",
            _factors(account),
        ),
        _prompt("What went well", "What worked as it was meant to?", _well(account)),
        _prompt("What went badly", "What was missing, slow or misleading?", _badly(account)),
        _prompt("Where we were lucky", "What could as well have gone the other way?", _luckily(account)),
        _prompt("What was surprising", "What did not behave as it was thought to?", iter(surprise)),
    )


def _prompt(heading: str, question: str, known: Iterator[str]) -> Prompt:
    facts = list(dict.fromkeys(_sentence(fact) for fact in known))
    left_out = [f"And {len(facts) - _MOST} more; see the timeline."] if len(facts) > _MOST else []
    return Prompt(heading=heading, question=question, known=(*facts[:_MOST], *left_out))


def _sentence(text: str) -> str:
    text = capital(one_line(text, 400))
    return text if text.endswith((".", "…", "?", "!")) else f"{text}."


def _factors(account: Account) -> Iterator[str]:
    incident = account.incident
    told: dict[str, None] = {}
    for finding in incident.findings.values():
        if finding.says is Says.SUPPORTS:
            told.setdefault(finding.fact)
    for (_, question), answer in incident.answers.items():
        if answer.says is Says.SUPPORTS:
            how = joined(answer.how, answer.note, by="; ")
            more = f" ({how})" if how else ""
            about = QUESTION_NAMES.get(question, question)
            told.setdefault(f"{about}: {answer.label or answer.answer}{more}, said {answer.who or answer.by}")
    yield from told
    yield from recurring(incident)
    for cause in causes.found(incident).values():
        if cause.result is causes.Result.SHOWN:
            yield f"a usual cause of locks that are left: {cause.fact}"
    if len(incident.seen) > 1:
        yield f"{len(incident.seen)} different locks were seen on this state during the incident"
    for (phase, name), check in incident.checks.items():
        if check.result == "bad":
            yield f"{phase} the release, {check_in_words(name)} was found wrong: {check.detail}"


def _well(account: Account) -> Iterator[str]:
    incident = account.incident
    for release in incident.releases:
        if release.ended and release.ended.outcome == "released":
            yield f"release {release.intended.release} was read back: {outcome_in_words(release.ended)}"
        if release.intended.backup:
            yield f"the raw lock had been backed up before release {release.intended.release}"
    if incident.gone_at and not incident.released_at and not incident.releases:
        yield "the lock left without a release by this tool"
    sound = [name for (phase, name), check in incident.checks.items() if phase == "after" and check.result == "ok"]
    if sound:
        yield f"looked at after the release and found in order: {', '.join(map(check_in_words, sound))}"
    if incident.verified and incident.verified.plan_summary:
        yield f"{incident.verified.read_by} read the plan: {incident.verified.plan_summary}"


def _badly(account: Account) -> Iterator[str]:
    incident = account.incident
    yield from account.refused
    for release in incident.releases:
        for name in release.intended.not_checked:
            yield f"release {release.intended.release} was decided without evidence from {name}"
        if release.ended and release.ended.outcome != "released":
            detail = f" ({release.ended.detail})" if release.ended.detail else ""
            yield f"after release {release.intended.release}, {outcome_in_words(release.ended)}{detail}"
        elif release.ended is None:
            yield f"the tool ended during release {release.intended.release}, and nothing was read back"
    for begin, end, why in account.blind:
        lasted = f"for {duration(seconds_between(begin, end))}" if end else "until the end of the record"
        yield f"from {spoken(begin)} UTC the lock could not be read {lasted}: {why}"
    yield from account.disputes
    yield from _unsettled(incident)


def _unsettled(incident: Incident) -> Iterator[str]:
    if (incident.gone_at or incident.released_at) and incident.verified is None:
        yield "the state was not verified after the lock had gone"
    for (phase, name), check in incident.checks.items():
        if check.result == "not-checked":
            yield f"{phase} the release, {check_in_words(name)} was not checked: {check.detail}"


def _luckily(account: Account) -> Iterator[str]:
    for release in account.incident.releases:
        if release.intended.verdict == "cannot tell" and release.ended and release.ended.outcome == "released":
            yield f"the verdict before release {release.intended.release} was “cannot tell”"
