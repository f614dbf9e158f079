"""Releases by the real terraform, from a root that holds nothing but the backend."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.support.stuck import (
    BUCKET,
    REAL,
    TABLE,
    Mode,
    PracticeRoot,
    live_apply,
    practice_root,
    stuck_lock,
    wait_for,
)
from tuirunbook.core.values import Child, Exit, ProgramError
from tuirunbook.terraform import release_root
from tuirunbook.terraform.children import NoAnswerError
from tuirunbook.terraform.cli import TerraformCli
from tuirunbook.terraform.release_root import InitFailedError, private_parent, sweep_leftovers

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

pytestmark = REAL
UNLOCKED = "Terraform state has been successfully unlocked!"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Where private roots are made."""
    (tmp_path / "private").mkdir()
    return tmp_path / "private"


def cli_for(root: PracticeRoot, private: Path, **environ: str) -> TerraformCli:
    return TerraformCli(root.module, environ=root.aws.environ(**environ), parent=private)


def probe(cli: TerraformCli, root: PracticeRoot, log: Path) -> tuple[Exit | None, str]:
    with cli.release_root(root.address) as release:
        child = release.probe("probe-1", log)
        wait_for(lambda: cli.poll(child), "the end of the probe")
    return cli.poll(child), log.read_text()


@pytest.mark.parametrize("workspace", ["default", "prod"])
@pytest.mark.parametrize("mode", Mode)
def test_a_stuck_lock_is_released_and_nothing_else_is_touched(
    aws: EmbeddedAws, tmp_path: Path, private: Path, mode: Mode, workspace: str
) -> None:
    root = practice_root(aws, tmp_path / "infra", mode, workspace=workspace)
    stuck = stuck_lock(root, without_state=True)

    with cli_for(root, private).release_root(stuck.address) as release:
        ran = release.force_unlock(stuck.lock_id)

    assert (ran.exit_code, UNLOCKED in ran.output) == (0, True)
    assert ran.argv == ("terraform", "force-unlock", "-no-color", "-force", stuck.lock_id)
    assert root.locks() == {}
    assert root.objects() == set()
    assert root.dynamodb.scan(TableName=TABLE)["Items"] == []
    assert not list(private.iterdir())


def test_a_stale_digest_is_no_obstacle_to_the_release(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra")
    stuck = stuck_lock(root)
    root.s3.put_object(Bucket=BUCKET, Key=stuck.address.state_key, Body=b'{"version": 4, "serial": 1, "lineage": "l"}')
    root.dynamodb.put_item(TableName=TABLE, Item={"LockID": {"S": stuck.address.digest_id}, "Digest": {"S": "0" * 32}})

    with cli_for(root, private).release_root(stuck.address) as release:
        ran = release.force_unlock(stuck.lock_id)

    assert (ran.exit_code, UNLOCKED in ran.output) == (0, True)
    assert root.locks() == {}


def test_another_lock_id_releases_nothing(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra")

    with live_apply(root) as live, cli_for(root, private).release_root(root.address) as release:
        ran = release.force_unlock("00000000-0000-0000-0000-000000000000")
        assert ran.exit_code == 1
        assert live.lock_id in ran.output
        assert root.locked()


def test_a_held_lock_refuses_the_probe_by_its_id(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra", workspace="prod")
    stuck = stuck_lock(root)

    end, said = probe(cli_for(root, private), root, tmp_path / "probe.log")

    assert end == Exit(code=1)
    assert "Error acquiring the state lock" in said
    assert stuck.lock_id in said
    assert root.locked()


@pytest.mark.parametrize("mode", Mode)
def test_a_free_lock_lets_the_probe_through_to_its_variable_and_is_free_again(
    aws: EmbeddedAws, tmp_path: Path, private: Path, mode: Mode
) -> None:
    root = practice_root(aws, tmp_path / "infra", mode)
    with live_apply(root) as live:
        live.finish()
    before = root.objects()

    end, said = probe(cli_for(root, private, TF_VAR_lock_probe="set"), root, tmp_path / "probe.log")

    assert end == Exit(code=1)
    assert "No value for required variable" in said
    assert "destroy" not in said
    assert root.locks() == {}
    assert root.objects() == before == {root.address.state_key}


def test_an_inherited_data_directory_is_not_pointed_elsewhere(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra", workspace="prod")
    stuck = stuck_lock(root)
    saved = root.directory / ".terraform" / "terraform.tfstate"
    before = saved.read_bytes()

    cli = cli_for(root, private, TF_DATA_DIR=str(root.directory / ".terraform"))
    with cli.release_root(stuck.address) as release:
        release.force_unlock(stuck.lock_id)

    assert saved.read_bytes() == before
    assert root.locks() == {}


def test_an_inherited_workspace_does_not_count_and_is_not_created(
    aws: EmbeddedAws, tmp_path: Path, private: Path
) -> None:
    root = practice_root(aws, tmp_path / "infra")
    stuck = stuck_lock(root)

    with cli_for(root, private, TF_WORKSPACE="typo").release_root(stuck.address) as release:
        release.force_unlock(stuck.lock_id)

    assert root.locks() == {}
    assert root.objects() == set()


def test_a_checkout_that_does_not_parse_is_no_obstacle(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra")
    stuck = stuck_lock(root)
    (root.directory / "broken.tf").write_text('resource "')

    with cli_for(root, private).release_root(stuck.address) as release:
        release.force_unlock(stuck.lock_id)

    assert root.locks() == {}


def test_s13_the_root_is_private_and_holds_no_credentials(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra")
    secret = "c2VjcmV0LW9mLXRoZS1zZXNzaW9u"
    module = msgspec.structs.replace(
        root.module,
        backend=msgspec.structs.replace(
            root.module.backend,
            arguments={**root.arguments, "access_key": "AKIASTATIC", "secret_key": secret, "profile": "nobody"},
        ),
    )
    resolved = {"AWS_ACCESS_KEY_ID": "ASIARESOLVED", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": secret}
    cli = TerraformCli(module, environ=aws.environ(), credentials=lambda: resolved, parent=private)
    aws.calls.clear()

    with cli.release_root(root.address) as release:
        release.force_unlock("00000000-0000-0000-0000-000000000000")
        (top,) = private.iterdir()
        files = [path for path in top.rglob("*") if path.is_file()]
        assert stat.S_IMODE(top.stat().st_mode) == 0o700
        assert {path.name for path in (top / "root").iterdir()} == {"main.tf.json"}
        assert not [path for path in files if secret.encode() in path.read_bytes()]

    assert {call.access_key for call in aws.calls if "ARRANGE" not in call.access_key} == {"ASIARESOLVED"}


def test_a_backend_that_cannot_be_initialised_is_told_and_leaves_nothing(
    aws: EmbeddedAws, tmp_path: Path, private: Path
) -> None:
    root = practice_root(aws, tmp_path / "infra")
    address = msgspec.structs.replace(root.address, bucket=BUCKET + "-gone")

    with (
        pytest.raises(InitFailedError, match="does not exist") as raised,
        cli_for(root, private).release_root(address),
    ):
        pytest.fail("it must not be entered")

    assert "Initializing the backend" in raised.value.output
    assert not list(private.iterdir())


def test_a_failure_inside_leaves_nothing(aws: EmbeddedAws, tmp_path: Path, private: Path) -> None:
    root = practice_root(aws, tmp_path / "infra")

    with pytest.raises(RuntimeError), cli_for(root, private).release_root(root.address) as release:
        raise RuntimeError
    assert not list(private.iterdir())
    with pytest.raises(ProgramError, match="not there"):
        release.force_unlock("00000000-0000-0000-0000-000000000000")


def test_s9_a_root_in_which_a_probe_runs_stays_until_it_is_swept(
    aws: EmbeddedAws, tmp_path: Path, private: Path
) -> None:
    root = practice_root(aws, tmp_path / "infra")
    cli = cli_for(root, private)

    with aws.hold("PutItem") as held:
        with cli.release_root(root.address) as release:
            child = release.probe("probe-1", tmp_path / "probe.log")
            held.wait()
        (top,) = private.iterdir()
        hour_ago = time.time() - 3700
        os.utime(top, (hour_ago, hour_ago))
        forget_the_app(top)
        os.utime(top, (hour_ago, hour_ago))
        assert sweep_leftovers(private) == ()
        held.release()
        wait_for(lambda: cli.poll(child), "the end of the probe")

    assert root.locks() == {}
    assert sweep_leftovers(private) == (top,)
    assert not list(private.iterdir())


def forget_the_app(top: Path) -> None:
    """As if the app that made this root had ended."""
    path = top / "processes.json"
    app, *rest = msgspec.json.decode(path.read_bytes(), type=list[Child])
    assert app.pid == os.getpid()
    path.write_bytes(msgspec.json.encode([msgspec.structs.replace(app, boot_id="another"), *rest]))


def test_s9_a_release_is_known_before_its_end_and_one_that_takes_too_long_is_left_to_end(
    aws: EmbeddedAws, tmp_path: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = practice_root(aws, tmp_path / "infra")
    stuck = stuck_lock(root, without_state=True)
    cli = cli_for(root, private)
    log = tmp_path / "force-unlock-1.log"
    told: list[Child] = []
    monkeypatch.setattr(release_root, "_RELEASE_LIMIT", 1.0)

    with aws.hold("DeleteItem") as held:
        with (
            cli.release_root(stuck.address) as release,
            pytest.raises(NoAnswerError, match="did not answer within 1 seconds") as raised,
        ):
            release.force_unlock(stuck.lock_id, command_id="force-unlock-1", log=log, tell=told.append)
        held.wait()
        intended, child = told
        assert (intended.pid, child) == (0, raised.value.child)
        assert (child.id, child.log, cli.poll(child)) == ("force-unlock-1", str(log), None)
        assert list(private.iterdir())
        held.release()
        wait_for(lambda: cli.poll(child), "the end of the release")

    assert root.locks() == {}
    assert UNLOCKED in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_only_our_own_old_leftovers_are_swept(private: Path, tmp_path: Path) -> None:
    old, young, other = (private / name for name in ("tflock-tui-old", "tflock-tui-young", "terraform-old"))
    for directory in (old, young, other):
        directory.mkdir()
        (directory / "main.tf.json").write_text("{}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (private / "tflock-tui-link").symlink_to(outside)
    for directory in (old, other, outside):
        os.utime(directory, (0, 0))

    assert sweep_leftovers(private) == (old,)
    assert {path.name for path in private.iterdir()} == {young.name, other.name, "tflock-tui-link"}
    assert outside.is_dir()


def test_private_roots_are_made_in_the_users_own_runtime_directory(tmp_path: Path) -> None:
    assert private_parent({"XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path
    assert private_parent({"XDG_RUNTIME_DIR": str(tmp_path / "none")}) == private_parent({})
