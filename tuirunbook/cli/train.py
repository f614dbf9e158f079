"""`tflock-tui train`: practice, on a world of our own."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tuirunbook.cli.options import refuse_unused
from tuirunbook.cli.saying import remark, say, say_json
from tuirunbook.settings import state_directory
from tuirunbook.survey.report import Status
from tuirunbook.terminal import end_with_terminal, missing_terminal
from tuirunbook.wiring.problem import Problem

if TYPE_CHECKING:
    from tuirunbook.core.scenario import Scenario
    from tuirunbook.training.progress import Progress

_EXTRA = ("moto", "flask", "flask_cors", "werkzeug")


@click.command(short_help="Practise on a world of our own.")
@click.argument("name", required=False, default="")
@click.option("--list", "list_", is_flag=True, help="List the pages, and what they came to.")
@click.option("--due", is_flag=True, help="List what is due again: 30 days after the first time, then every 90.")
@click.option("--report", type=click.Choice(["md", "json"]), help="Everybody's progress, for who runs the onboarding.")
@click.option("--json", "as_json", is_flag=True, help="With --list or --due: print JSON.")
@click.option("--check", type=click.Path(path_type=Path), metavar="FILE", help="Check a scenario file of your own.")
@click.option("--file", "file", type=click.Path(path_type=Path), metavar="FILE", help="Play a scenario file.")
@click.option("--seed", type=int, metavar="N", help="Decides who lives where a page leaves it open.")
@click.option("--reset", is_flag=True, help="Forget what NAME came to; all of it without a NAME.")
@click.option("--person", metavar="NAME", help="Who trains; your login name by default.")
@click.option("--speed", type=click.FloatRange(0.1, 100), default=1.0, show_default=True, help="Of what happens.")
@click.option("--practice-terraform", is_flag=True, help="Use ours even where there is a terraform.")
@click.pass_context
def train(
    context: click.Context,
    /,
    name: str,
    list_: bool,  # noqa: FBT001 - click's
    due: bool,  # noqa: FBT001
    report: str | None,
    as_json: bool,  # noqa: FBT001
    check: Path | None,
    file: Path | None,
    seed: int | None,
    reset: bool,  # noqa: FBT001
    person: str | None,
    speed: float,
    practice_terraform: bool,  # noqa: FBT001
) -> int:
    """Practise clearing a stuck lock: no AWS account, no Terraform, no network.

    Without NAME: the menu of pages. Nothing of yours is read or touched; practice is kept apart from incidents.

    \b
    NAME is the number of a page, or its name once it was done.
    --list --json prints a list of {"number", "name", "page", "last", "teaches"}; what a page teaches, and its name, are
    empty until it was done.
    --report json prints {"at", "people": [{"person", "runs", "unsafe_on_twins", "runs_of_twins", "scenarios", "open"}]}
    """  # noqa: D301 - click's mark for a paragraph that is not wrapped
    from tuirunbook.training.progress import Progress  # noqa: PLC0415 - only this command needs it

    refuse_unused(context)
    if as_json and not (list_ or due):
        raise click.UsageError("--json goes with --list or --due; the report has --report json.")
    who = person or _person()
    if check is not None:
        return _check(check)
    progress = Progress(_directory() / "progress.jsonl")
    scenarios = _scenarios(file)
    if reset:
        done = {run.scenario for run in progress.of(who)}
        forgotten = progress.reset(who, name if name in done else _page(name, scenarios))
        remark(f"Forgotten: {forgotten} {'run' if forgotten == 1 else 'runs'} of {who}.")
        return 0
    if report is not None:
        _report(report, progress, scenarios)
        return 0
    if list_ or due:
        _list(progress, scenarios, who, only_due=due, as_json=as_json)
        return 0
    return _play(
        scenarios,
        scenarios[-1].name if file is not None else name,
        who,
        seed=seed,
        speed=speed,
        practice_terraform=practice_terraform,
    )


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _directory() -> Path:
    return state_directory() / "training"


def _check(file: Path) -> int:
    from tuirunbook.training.scenarios import ScenarioErrors, load  # noqa: PLC0415 - see above

    try:
        scenario = load(file)
    except ScenarioErrors as errors:
        for mistake in errors.mistakes:
            say(f"{file}:{mistake.line}: {mistake.sentence}")
        return 1
    say(f"{file}: a scenario without mistakes: {scenario.page}")
    return 0


def _scenarios(file: Path | None) -> tuple[Scenario, ...]:
    from tuirunbook.training.scenarios import ScenarioErrors, load, shipped  # noqa: PLC0415 - see above

    try:
        return (*shipped(), load(file)) if file is not None else shipped()
    except ScenarioErrors as errors:
        raise Problem(str(errors), "Mend them; `tflock-tui train --check FILE` looks without playing.") from errors


def _list(progress: Progress, scenarios: tuple[Scenario, ...], person: str, *, only_due: bool, as_json: bool) -> None:
    from tuirunbook.training.progress import due, last_of  # noqa: PLC0415 - see above

    runs = progress.of(person)
    wanted = due(runs, _now()) if only_due else tuple(one.name for one in scenarios)
    rows: list[dict[str, object]] = []
    for number, scenario in enumerate(scenarios, 1):
        if scenario.name in wanted:
            last = last_of(runs, scenario.name)
            done = {"name": scenario.name if last else "", "last": last.grade.value if last else ""}
            teaches = scenario.teaches if last is not None and not scenario.twin else ""
            rows.append({"number": number, **done, "page": scenario.page, "teaches": teaches})
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row['number']:>3}  {row['last']:<11} {row['page']}" + (f"  ({row['name']})" if row["name"] else ""))
    if not rows:
        remark("Nothing is due." if only_due else "There are no scenarios.")


def _report(form: str, progress: Progress, scenarios: tuple[Scenario, ...]) -> None:
    from tuirunbook.training.progress import report, report_markdown  # noqa: PLC0415 - see above

    told = report(progress.all(), scenarios, _now())
    if form == "json":
        say_json(told)
    else:
        say(report_markdown(told).rstrip("\n"))


def _now() -> datetime:
    return datetime.now(UTC)


def _page(name: str, scenarios: tuple[Scenario, ...]) -> str:
    """The scenario that a number or a name means; empty for none.

    Raises:
        Problem: There is no such page.
    """
    if name.isdecimal() and 1 <= int(name) <= len(scenarios):
        return scenarios[int(name) - 1].name
    if name and name not in {one.name for one in scenarios}:
        raise Problem(f"There is no page {name!r}.", "`tflock-tui train --list` numbers them.")
    return name


def _play(
    scenarios: tuple[Scenario, ...],
    name: str,
    person: str,
    *,
    seed: int | None,
    speed: float,
    practice_terraform: bool,
) -> int:
    """Play one scenario, or from the menu."""
    require_extra()
    name = _page(name, scenarios)
    if (why := missing_terminal()) is not None:
        remark(f"tflock-tui: training needs a terminal, and {why}.")
        return Status.USAGE
    end_with_terminal()
    forget_the_real_world()
    from tuirunbook.training.client import spawn  # noqa: PLC0415 - after everything that can go wrong early

    # With a page named, its world loads while the rest is imported here.
    spare = spawn() if name else None
    from tuirunbook.training.coach import Coach  # noqa: PLC0415 - see above

    coach = Coach(
        scenarios, _directory(), person, seed=seed, speed=speed, practice_terraform=practice_terraform, spare=spare
    )
    try:
        from tuirunbook.tui.screens.training_app import TrainingApp  # noqa: PLC0415 - see above

        app = TrainingApp(coach, name)
        try:
            code = app.run()
        finally:
            app.end_practice()
    finally:
        coach.close()
    return int(code or app.return_code or 0)


def require_extra() -> None:
    """Practice needs an embedded AWS.

    Raises:
        Problem: It is not installed; the one command that installs it.
    """
    missing = [module for module in _EXTRA if find_spec(module) is None]
    if missing:
        raise Problem(
            f"Training needs an embedded AWS, and {missing[0]} is not installed. This installs it:",
            shlex.join((sys.executable, "-m", "pip", "install", *_wanted())),
        )


def _wanted() -> list[str]:
    """What the extra `training` asks for; from what is installed, so that it works wherever the tool came from."""
    try:
        asked = requires("tflock-tui") or []
    except PackageNotFoundError:
        asked = []
    found = [one.partition(";")[0].strip() for one in asked if re.search(r"extra\s*==\s*['\"]training['\"]", one)]
    return found or ["tflock-tui[training]"]


def forget_the_real_world() -> None:
    """Take credentials, proxies, and settings of AWS and Terraform out of this process: practice reads none of them."""
    from tuirunbook.training.place import cleaned  # noqa: PLC0415 - only practice needs it

    kept = cleaned(os.environ)
    for gone in set(os.environ) - set(kept):
        del os.environ[gone]
    os.environ |= {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
