"""The real world as it is composed: found, opened, resumed, and told in sentences when that fails."""

from __future__ import annotations

import json
import pwd
import queue
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.aws import REGION
from tests.support.locks import BUCKET, FIRST, KEY, LOCK_ID, TABLE, lock_json, put_item
from tuirunbook.core.address import AddressError
from tuirunbook.core.backend import RootModule
from tuirunbook.core.values import JournalError, ProgramError
from tuirunbook.settings import Trust, content_hash
from tuirunbook.tui.front import Front, NoRoot
from tuirunbook.walk.messages import Message
from tuirunbook.walk.observer import Looked
from tuirunbook.walk.walk import Walk
from tuirunbook.wiring.adapters import Adapters
from tuirunbook.wiring.front import WiredFront
from tuirunbook.wiring.options import Options
from tuirunbook.wiring.problem import Problem, told

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

CHECKOUT = Path(__file__).parents[1]
STATE = Options(bucket=BUCKET, key=KEY, table=TABLE, region=REGION)


class Desk:
    """Somebody's machine: a checkout, a home, and walks that are stopped at the end."""

    def __init__(self, aws: EmbeddedAws, here: Path) -> None:
        self.aws = aws
        self.here = here
        self.messages: queue.Queue[Message] = queue.Queue()
        self.walks: list[Walk] = []

    def adapters(self, options: Options | None = None, **environ: str) -> Adapters:
        options = options or Options()
        if options.start == ".":
            options = msgspec.structs.replace(options, start=str(self.here))
        return Adapters(options, self.aws.environ(**environ))

    def front(self, options: Options | None = None, **environ: str) -> WiredFront:
        return WiredFront(self.adapters(options, **environ))

    def open(self, front: WiredFront, root: RootModule) -> Walk:
        walk = front.open_walk(root, self.messages.put)
        assert isinstance(walk, Walk)
        self.aws.closing(walk.world.store._clients)  # type: ignore[attr-defined]
        self.walks.append(walk)
        return walk

    def until(self, holds: Callable[[Message], object]) -> Message:
        while True:
            message = self.messages.get(timeout=20)
            if holds(message):
                return message

    def write_root(self, name: str = "", **arguments: object) -> Path:
        root = self.here / name
        root.mkdir(parents=True, exist_ok=True)
        given: dict[str, object] = {"bucket": BUCKET, "key": KEY, "region": REGION, "dynamodb_table": TABLE}
        given = {argument: value for argument, value in (given | arguments).items() if value is not None}
        (root / "main.tf.json").write_text(json.dumps({"terraform": {"backend": {"s3": given}}}))
        return root


@pytest.fixture
def desk(aws: EmbeddedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))
    here = tmp_path / "checkout"
    here.mkdir()
    subprocess.run(["git", "init", "-q", str(here)], check=True)
    subprocess.run(["git", "-C", str(here), "config", "user.name", "Ada Lovelace"], check=True)
    aws.create_backend(BUCKET, TABLE)
    desk = Desk(aws, here)
    yield desk
    for walk in desk.walks:
        walk.stop(wait_seconds=10)


def root_of(found: object) -> RootModule:
    assert isinstance(found, RootModule), found
    return found


def no_root(found: object) -> NoRoot:
    assert isinstance(found, NoRoot), found
    return found


def test_importing_it_imports_no_adapter() -> None:
    code = (
        "import sys, tuirunbook.wiring.adapters\n"
        "heavy = ('boto3', 'botocore', 'hcl2', 'git', 'yaml', 'psutil', 'textual', 'tuirunbook.locks')\n"
        "sys.exit(any(name in sys.modules for name in heavy))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_initialised_root_is_found_without_reading_hcl(tmp_path: Path) -> None:
    (tmp_path / ".terraform").mkdir()
    saved = {"version": 3, "backend": {"type": "s3", "config": {"bucket": "b", "key": "k", "region": "r"}}}
    (tmp_path / ".terraform" / "terraform.tfstate").write_text(json.dumps(saved))
    code = (
        "import sys\nfrom tuirunbook.wiring.adapters import Adapters\nfrom tuirunbook.wiring.options import Options\n"
        f"root = Adapters(Options(start={str(tmp_path)!r})).roots.find()\n"
        "assert root.initialised, root\n"
        "sys.exit(any(name in sys.modules for name in ('hcl2', 'lark', 'git', 'boto3')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=CHECKOUT).returncode == 0


def test_it_is_what_the_screens_ask_for(desk: Desk) -> None:
    front: Front = desk.front()
    assert front.now().tzinfo is not None


def test_a_root_with_one_state_is_found_from_below_it(desk: Desk) -> None:
    (desk.write_root("infra") / "modules").mkdir()
    found = desk.front(Options(start=str(desk.here / "infra" / "modules"))).find()
    assert root_of(found).address().lock_id == LOCK_ID


def test_the_only_root_below_is_taken_and_of_several_all_are_offered(desk: Desk) -> None:
    desk.write_root("a")
    assert root_of(desk.front().find()).name == "a"
    desk.write_root("b", key="b.tfstate")
    found = desk.front().find()
    assert not isinstance(found, RootModule | NoRoot)
    assert sorted(root.name for root in found) == ["a", "b"]


def test_no_root_says_what_was_looked_for_and_what_to_do(desk: Desk) -> None:
    found = no_root(desk.front().find())
    assert "declares a backend" in found.sentence
    assert "--bucket" in found.next_step


def test_a_backend_that_is_not_s3_is_answered(desk: Desk) -> None:
    (desk.here / "main.tf").write_text('terraform {\n  backend "pg" {}\n}\n')
    found = no_root(desk.front().find())
    assert "advisory lock" in found.sentence
    assert "pg_terminate_backend" in found.next_step


def test_the_region_of_the_command_line_wins_and_completes(desk: Desk) -> None:
    desk.write_root(region=None)
    assert "region" in no_root(desk.front(AWS_REGION="").find()).sentence
    found = root_of(desk.front(Options(region="eu-north-1"), AWS_REGION="").find())
    assert found.address().region == "eu-north-1"
    assert found.backend.origins["region"] == "--region"


def test_a_pasted_error_that_names_no_root_here_needs_the_table(desk: Desk) -> None:
    text = f"Error acquiring the state lock\nLock Info:\n  ID: {FIRST}\n  Path: {LOCK_ID}\n"
    found = no_root(desk.front(Options(error=text)).find())
    assert LOCK_ID in found.sentence
    assert "--table" in found.next_step
    for options in (Options(error=text, table=TABLE), Options(error=text, table=TABLE, workspace="prod")):
        assert root_of(desk.front(options).find()).address().lock_id == LOCK_ID


def test_a_pasted_error_of_another_backend_is_not_walked(desk: Desk) -> None:
    text = (
        "Error: Error acquiring the state lock\nError message: writing "
        '"gs://acme/prod/default.tflock" failed: googleapi: Error 412: conditionNotMet\n'
        "Lock Info:\n  ID: 1700000000000000\n  Path: gs://acme/prod/default.tflock\n"
    )
    assert "generation number" in no_root(desk.front(Options(error=text)).find()).next_step


def test_a_root_from_its_names_needs_a_bucket_and_a_key(desk: Desk) -> None:
    front = desk.front()
    assert front.root_from(BUCKET, KEY, TABLE, REGION).address().table == TABLE
    with pytest.raises(Problem, match="Check the bucket and the key"):
        front.root_from(BUCKET, "x.tflock", TABLE, REGION)


def test_the_survey_shows_each_state_unread_and_then_read(desk: Desk) -> None:
    desk.write_root("a")
    desk.write_root("b", key=None)
    rows = list(desk.front().survey())
    assert [(row.root.name, row.snapshot is None, bool(row.trouble)) for row in rows] == [
        ("a", True, False),
        ("b", True, True),
        ("a", False, False),
    ]
    assert "lacks key" in rows[1].trouble


def test_disagreements_are_added_after_the_first_look(desk: Desk) -> None:
    root = desk.write_root()
    (root / ".terraform").mkdir()
    saved = {"bucket": BUCKET, "key": "old.tfstate", "region": REGION, "dynamodb_table": TABLE}
    state = {"version": 3, "backend": {"type": "s3", "config": saved}}
    (root / ".terraform" / "terraform.tfstate").write_text(json.dumps(state))
    front = desk.front()
    found = root_of(front.find())
    assert found.disagreements == ()
    assert [one.argument for one in front.compare(found).disagreements] == ["key"]


def test_a_walk_is_opened_on_the_lock_that_is_there(desk: Desk) -> None:
    desk.write_root()
    put_item(desk.aws, lock_json())
    front = desk.front()
    walk = desk.open(front, root_of(front.find()))
    assert walk.world.operator == "Ada Lovelace"
    asked = {source.name for source in walk.world.sources}
    assert asked >= {"processes of this machine", "writes of the state", "CloudTrail", "EC2", "Kubernetes"}
    walk.start()
    desk.until(lambda message: isinstance(message, Looked))
    (row,) = front.incidents()
    assert (row.state, row.operator, row.resumable) == (LOCK_ID, "Ada Lovelace", "")
    assert [one.id for one in front.other_incidents(walk.world.root)] == [row.id]
    assert front.events(row.id)
    assert LOCK_ID in front.export(row.id)


def test_an_incident_is_resumed_with_its_own_runbook(desk: Desk) -> None:
    desk.write_root()
    put_item(desk.aws, lock_json())
    front = desk.front()
    first = desk.open(front, root_of(front.find()))
    first.start()
    desk.until(lambda message: isinstance(message, Looked))
    name = front.incidents()[0].id
    with pytest.raises(JournalError):
        front.resume_walk(name, desk.messages.put)
    end(first, desk)
    resumed = front.resume_walk(name.rsplit("-", 1)[1], desk.messages.put)
    assert isinstance(resumed, Walk)
    desk.walks.append(resumed)
    desk.aws.closing(resumed.world.store._clients)  # type: ignore[attr-defined]
    assert [step.title for step in resumed.runbook.steps] == [step.title for step in first.runbook.steps]
    assert resumed.runbook.origin == f"incident {name}"
    assert resumed.world.root.directory == str(desk.here)
    assert resumed.scribe.incident.id == name


def test_an_incident_is_resumed_where_its_checkout_has_gone(desk: Desk) -> None:
    root = desk.write_root("gone")
    put_item(desk.aws, lock_json())
    front = desk.front()
    first = desk.open(front, root_of(front.find()))
    first.start()
    desk.until(lambda message: isinstance(message, Looked))
    end(first, desk)
    shutil.rmtree(root)
    resumed = front.resume_walk(front.incidents()[0].id, desk.messages.put)
    assert isinstance(resumed, Walk)
    desk.walks.append(resumed)
    desk.aws.closing(resumed.world.store._clients)  # type: ignore[attr-defined]
    assert resumed.world.root.directory is None
    assert resumed.world.root.address().lock_id == LOCK_ID
    assert resumed.world.root.address().table == TABLE
    assert any("is not there any more" in note for note in resumed.world.root.notes)


def end(walk: Walk, desk: Desk) -> None:
    """Stop a walk and let its journal go."""
    walk.stop(wait_seconds=10)
    desk.walks.remove(walk)


def test_the_runbook_that_the_error_asks_for_is_walked(desk: Desk) -> None:
    desk.write_root()
    text = (
        "Error: Error acquiring the state lock\n\nError message: operation error DynamoDB: PutItem, https response "
        "error StatusCode: 400, AccessDeniedException: User: x is not authorized to perform: dynamodb:PutItem\n"
    )
    front = desk.front(Options(error=text))
    assert desk.open(front, root_of(front.find())).runbook.name == "access-denied"


def test_a_team_runbook_with_mistakes_does_not_stop_the_walk(desk: Desk) -> None:
    desk.write_root()
    team = desk.here / ".tflock" / "runbooks"
    team.mkdir(parents=True)
    (team / "state-lock.md").write_text("# broken\n")
    front = desk.front()
    walk = desk.open(front, root_of(front.find()))
    assert walk.runbook.name == "state-lock"
    assert any("has mistakes" in note for note in walk.world.root.notes)
    with pytest.raises(Problem):
        front.runbook("state-lock")


def test_read_only_and_plan_arguments_reach_the_walk(desk: Desk) -> None:
    desk.write_root()
    settings = desk.here / ".tflock" / "config.toml"
    settings.parent.mkdir()
    settings.write_text('plan_args = ["-var=a=b"]\n')
    options = Options(read_only=True, plan_args=("-refresh=false",))
    front = desk.front(options)
    walk = desk.open(front, root_of(front.find()))
    assert walk.world.policy.read_only == "--read-only"
    assert walk.world.plan_args == ("-refresh=false",)
    assert any("until you trust" in note for note in walk.world.root.notes)
    Trust.default().add({settings: content_hash(settings) or ""})
    assert desk.adapters(options).plan_args() == ("-var=a=b", "-refresh=false")


def test_the_program_that_is_shown_is_the_one_that_runs(desk: Desk) -> None:
    desk.write_root()
    front = desk.front(Options(program="tofu-1.9"))
    root = front.find()
    assert isinstance(root, RootModule)
    walk = desk.open(front, root)
    assert walk.world.root.program == walk.world.terraform.program == "tofu-1.9"


def test_a_plan_argument_that_weakens_the_lock_is_refused(desk: Desk) -> None:
    with pytest.raises(Problem, match="-lock=false"):
        desk.adapters(Options(plan_args=("-lock=false",))).plan_args()


def test_a_journal_directory_that_cannot_be_read_does_not_stop_the_look(desk: Desk, tmp_path: Path) -> None:
    desk.write_root()
    blocked = tmp_path / "file"
    blocked.write_text("")
    front = desk.front(Options(journal_dir=str(blocked / "incidents")))
    assert desk.open(front, root_of(front.find())).scribe.incident.id


def test_expired_sign_ins_are_renewed_with_the_profiles_own_command(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile sso]\nsso_session = acme\nsso_account_id = 1\nsso_role_name = x\n"
        "[sso-session acme]\nsso_start_url = https://acme.test\nsso_region = eu-west-1\n"
        "[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = sso\n[profile keys]\nregion = eu-west-1\n"
    )
    root = root_of(desk.front(STATE).find())

    def command(profile: str) -> tuple[str, ...] | None:
        options = msgspec.structs.replace(STATE, profile=profile)
        return desk.front(options, AWS_CONFIG_FILE=str(config)).login_command(root)

    assert command("sso") == ("aws", "sso", "login", "--profile", "sso")
    assert command("role") == ("aws", "sso", "login", "--profile", "sso")
    assert command("keys") is None
    assert command("no-such-profile") is None


def test_missing_credentials_are_a_sentence_when_a_release_asks_for_them(desk: Desk) -> None:
    adapters = desk.adapters(STATE, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    root = root_of(adapters.roots.find())
    terraform = adapters.terraform(root, adapters.clients(root))
    with pytest.raises(ProgramError, match="no AWS credentials were found"):
        terraform._credentials()


def test_the_operator_is_who_the_settings_git_or_the_system_say(desk: Desk) -> None:
    assert desk.adapters().operator() == "Ada Lovelace"
    subprocess.run(["git", "-C", str(desk.here), "config", "--unset", "user.name"], check=True)
    adapters = desk.adapters(USER="ada", GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
    assert adapters.operator() == "ada"


@pytest.mark.parametrize(("named", "operator"), [("ada", "ada"), ("", "unknown")])
def test_the_operator_is_at_last_who_the_process_runs_as(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, named: str, operator: str
) -> None:
    def entry(uid: int) -> pwd.struct_passwd:
        if not named:
            raise KeyError(uid)
        return pwd.struct_passwd((named, "x", uid, uid, "", "/", "/bin/sh"))

    monkeypatch.setattr(pwd, "getpwuid", entry)
    subprocess.run(["git", "-C", str(desk.here), "config", "--unset", "user.name"], check=True)
    adapters = desk.adapters(USER="", LOGNAME="", GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null")
    assert adapters.operator() == operator


def test_local_times_know_summer_and_winter(desk: Desk) -> None:
    zone = desk.adapters(TZ="Europe/Berlin").zone()
    offsets = {datetime(2026, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in (1, 7)}
    assert len(offsets) == 2
    assert desk.adapters(TZ="No/Such").zone() is not None


@pytest.mark.parametrize(
    "error", [JournalError("the disk is full"), ProgramError("no terraform"), AddressError("the state key is empty")]
)
def test_foreseeable_failures_become_one_sentence(error: Exception) -> None:
    with pytest.raises(Problem, match=str(error)), told():
        raise error


def test_what_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), told():
        raise ZeroDivisionError
