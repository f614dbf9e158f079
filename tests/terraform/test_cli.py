"""Commands in a root module, with a program that records how it was called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.stuck import wait_for
from tuirunbook.core.backend import Backend, RootModule
from tuirunbook.core.values import Exit, ProgramError
from tuirunbook.terraform.cli import TerraformCli
from tuirunbook.terraform.program import parse_version
from tuirunbook.terraform.release_root import InitFailedError

if TYPE_CHECKING:
    from tuirunbook.walk.ports import Terraform

RECORDER = """#!/bin/sh
{ printf '%s|' "$PWD" "$@"; echo; } >> "$CALLS"
env | sed "s|^|$1 |" >> "$CALLS.env"
"""
VERSION = """printf '{"terraform_version": "%s"}' "${FAKE_VERSION:-1.11.4}"\n"""


class Fake:
    """A directory with a program in it, whose calls are recorded."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.bin = directory / "bin"
        self.root = directory / "root"
        self.bin.mkdir()
        self.root.mkdir()
        (directory / "private").mkdir()
        self.environ = {"PATH": f"{self.bin}:/usr/bin:/bin", "CALLS": str(directory / "calls")}

    def program(self, cases: str = "", *, name: str = "terraform") -> Path:
        path = self.bin / name
        script = f'{RECORDER}case "$*" in\n{cases}\nversion*) {VERSION};;\n*) echo done;;\nesac\n'
        path.write_text(script)
        path.chmod(0o755)
        return path

    def cli(self, *, program: str | None = None, workspace: str = "default", **more: Any) -> TerraformCli:
        arguments = {"bucket": "acme", "key": "x.tfstate", "region": "eu-west-1", "dynamodb_table": "locks"}
        root = RootModule(
            directory=str(self.root),
            name="root",
            backend=Backend(type="s3", arguments=arguments),
            workspace=workspace,
            data_dir=more.pop("data_dir", str(self.root / ".terraform")),
        )
        environ = self.environ | more.pop("environ", {})
        return TerraformCli(root, program=program, environ=environ, parent=self.directory / "private", **more)

    @property
    def calls(self) -> list[tuple[str, list[str]]]:
        lines = Path(self.environ["CALLS"]).read_text().splitlines()
        return [(parts[0], parts[1:-1]) for parts in (line.split("|") for line in lines)]

    def environ_of(self, command: str) -> dict[str, str]:
        lines = Path(self.environ["CALLS"] + ".env").read_text().splitlines()
        pairs = (line.removeprefix(command + " ").partition("=") for line in lines if line.startswith(command + " "))
        return {name: value for name, _, value in pairs}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(tmp_path)


LIST = (
    "'workspace list') printf 'Warning: Deprecated Parameter\\n\\n  on main.tf line 4:\\n\\n  default\\n* prod\\n\\n';;"
)


def test_the_adapter_is_what_a_walk_needs(fake: Fake) -> None:
    fake.program()
    terraform: Terraform = fake.cli()

    assert terraform.program == "terraform"
    assert terraform.version() == "1.11.4"


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ('{"terraform_version": "1.11.4"}', "1.11.4"),
        ('tfenv: using 1.5.7\n{\n  "terraform_version": "1.5.7",\n  "platform": "linux"\n}', "1.5.7"),
        ("OpenTofu v1.12.6\non linux_amd64", "1.12.6"),
        ("terragrunt version v0.67.4", "0.67.4"),
        ("terragrunt version 1.0.0-rc1", "1.0.0-rc1"),
        ("{ not json", None),
        ("", None),
    ],
)
def test_versions_are_read_past_what_shims_print(output: str, version: str | None) -> None:
    assert parse_version(output) == version


def test_a_missing_program_is_a_sentence_that_says_what_to_do(fake: Fake) -> None:
    with pytest.raises(ProgramError, match="not on PATH; install it"):
        fake.cli(program="tofu-that-is-not-here").version()


def test_a_program_that_fails_is_quoted_without_its_escapes(fake: Fake) -> None:
    fake.program("version*) printf '\\033[31mno version is set\\033[0m\\n' >&2; exit 1;;")

    with pytest.raises(ProgramError, match=r"cannot tell its version: no version is set$"):
        fake.cli().version()


def test_a_relative_program_path_is_the_operators(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.program(name="tf15")
    monkeypatch.chdir(fake.directory)

    assert fake.cli(program="bin/tf15").version() == "1.11.4"


def test_a_relative_path_entry_is_the_operators_too(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.program()
    monkeypatch.chdir(fake.directory)

    assert fake.cli(environ={"PATH": "bin:/usr/bin:/bin"}).version() == "1.11.4"


def test_a_plan_runs_in_its_root_with_its_arguments(fake: Fake) -> None:
    fake.program("plan*) echo planned; exit 3;;")
    cli = fake.cli()

    child = cli.plan("plan-1", fake.directory / "plan.log", ["-var-file=prod.tfvars"])
    wait_for(lambda: cli.poll(child), "the end of the plan")

    assert cli.poll(child) == Exit(code=3)
    assert child.argv == ("terraform", "plan", "-no-color", "-input=false", "-var-file=prod.tfvars")
    assert fake.calls == [(str(fake.root), list(child.argv[1:]))]
    assert (fake.directory / "plan.log").read_text() == "planned\n"


def test_s10_a_plan_runs_only_in_a_workspace_that_listing_shows(fake: Fake) -> None:
    fake.program(LIST)
    inherited = {"TF_WORKSPACE": "typo"}

    assert fake.cli(workspace="prod", environ=inherited).workspaces() == ("default", "prod")
    assert "TF_WORKSPACE" not in fake.environ_of("workspace")
    cli = fake.cli(workspace="prod", environ=inherited)
    child = cli.plan("plan-1", fake.directory / "plan.log", [])
    wait_for(lambda: cli.poll(child), "the end of the plan")
    assert fake.environ_of("plan")["TF_WORKSPACE"] == "prod"


@pytest.mark.parametrize("command", ["plan", "state_list"])
def test_s10_a_workspace_that_does_not_exist_is_never_entered(fake: Fake, command: str) -> None:
    fake.program(LIST)
    cli = fake.cli(workspace="typo")

    with pytest.raises(ProgramError, match="'typo' does not exist here; there are: default, prod"):
        cli.plan("plan-1", fake.directory / "plan.log", []) if command == "plan" else cli.state_list()

    assert [arguments for _, arguments in fake.calls] == [["workspace", "list"]]


def test_s10_listing_that_fails_refuses_the_plan(fake: Fake) -> None:
    fake.program("'workspace list') echo denied; exit 1;;")

    with pytest.raises(ProgramError, match="failed: denied"):
        fake.cli(workspace="prod").plan("plan-1", fake.directory / "plan.log", [])


def test_the_default_workspace_is_said_so_that_a_selected_one_does_not_count(fake: Fake) -> None:
    fake.program()
    fake.cli(environ={"TF_WORKSPACE": "prod"}).state_list()

    assert fake.environ_of("state")["TF_WORKSPACE"] == "default"
    assert "TF_DATA_DIR" not in fake.environ_of("state")


def test_a_data_directory_that_is_not_the_default_is_said(fake: Fake) -> None:
    fake.program()
    cli = fake.cli(data_dir="/var/tf data", backend_config=["prod.tfbackend", "key=a b", "secret_key=hush"])

    cli.state_list()

    assert fake.environ_of("state")["TF_DATA_DIR"] == "/var/tf data"
    assert cli.init_command() == (
        f"cd {fake.root} && TF_DATA_DIR='/var/tf data' terraform init -backend-config=prod.tfbackend "
        "'-backend-config=key=a b' '-backend-config=secret_key=<secret_key>'"
    )


def test_a_state_that_could_not_be_saved_is_found_where_it_was_left(fake: Fake) -> None:
    assert fake.cli().errored_state() is None
    cache = fake.root / ".terragrunt-cache/a/b/module"
    cache.mkdir(parents=True)
    (cache / "errored.tfstate").write_text("{}")

    assert fake.cli().errored_state() is None
    assert fake.cli(program="terragrunt").errored_state() == cache / "errored.tfstate"
    (fake.root / "errored.tfstate").write_text("{}")
    assert fake.cli().errored_state() == fake.root / "errored.tfstate"


def test_without_a_checkout_there_is_no_plan(fake: Fake) -> None:
    fake.program()
    cli = TerraformCli(RootModule(directory=None, name="acme/x", backend=Backend(type="s3")), environ=fake.environ)

    assert cli.version() == "1.11.4"
    with pytest.raises(ProgramError, match="no checkout"):
        cli.plan("plan-1", fake.directory / "plan.log", [])


@pytest.mark.parametrize(
    ("version", "offered"), [("v0.55.1", False), ("v0.99.9", False), ("1.0.0", True), ("v1.1.3", True)]
)
def test_s9_no_cancel_is_offered_before_terragrunt_1(fake: Fake, version: str, *, offered: bool) -> None:
    fake.program(f"--version) echo 'terragrunt version {version}';;", name="terragrunt")
    cli = fake.cli(program="terragrunt")

    assert (cli.can_interrupt() is None) is offered


def test_s9_a_terragrunt_that_cannot_tell_its_version_is_not_interrupted(fake: Fake) -> None:
    fake.program("--version) exit 1;;", name="terragrunt")

    assert "cannot be told" in (fake.cli(program="terragrunt").can_interrupt() or "")


def test_terraform_may_always_be_interrupted(fake: Fake) -> None:
    assert fake.cli().can_interrupt() is None


def test_s8_no_command_here_can_weaken_a_lock_or_change_a_checkout(fake: Fake) -> None:
    fake.program(LIST)
    inherited = {"TF_CLI_ARGS": "-lock=false", "TF_CLI_ARGS_plan": "-lock=false"}
    cli = fake.cli(workspace="prod", environ=inherited)

    cli.version()
    cli.state_list()
    child = cli.plan("plan-1", fake.directory / "plan.log", ["-refresh=false"])
    wait_for(lambda: cli.poll(child), "the end of the plan")
    with cli.release_root(cli._root.address()) as private:
        private.force_unlock("00000000-0000-0000-0000-000000000000")
        child = private.probe("probe-1", fake.directory / "probe.log")
        wait_for(lambda: cli.poll(child), "the end of the probe")

    here = [arguments for cwd, arguments in fake.calls if cwd == str(fake.root)]
    there = [arguments for cwd, arguments in fake.calls if cwd != str(fake.root)]
    assert {arguments[0] for arguments in here} == {"version", "workspace", "state", "plan"}
    assert {arguments[0] for arguments in there} == {"version", "init", "force-unlock", "plan"}
    forbidden = ("-lock", "apply", "-migrate-state", "-reconfigure", "-force-copy", "-upgrade")
    assert not [one for _, arguments in fake.calls for one in arguments if one.startswith(forbidden)]
    assert "TF_CLI_ARGS" not in Path(fake.environ["CALLS"] + ".env").read_text()


def test_a_release_runs_the_version_of_the_root_or_not_at_all(fake: Fake) -> None:
    fake.program(
        'version*) case "$PWD" in */root/*|*/root) v=1.5.7;; esac; case "$PWD" in */tflock-tui-*) v=1.11.4;; esac; '
        'printf \'{"terraform_version": "%s"}\' "$v";;'
    )
    cli = fake.cli()

    with (
        pytest.raises(ProgramError, match=r"is 1\.5\.7 in the root module but 1\.11\.4 elsewhere"),
        cli.release_root(cli._root.address()),
    ):
        pytest.fail("it must not be entered")

    assert not list((fake.directory / "private").iterdir())


def test_a_program_that_was_replaced_during_the_walk_is_said_once_and_used_from_then_on(fake: Fake) -> None:
    said = fake.directory / "said"
    fake.program(f"""version*) printf '{{"terraform_version": "%s"}}' "$(cat '{said}')";;""")
    said.write_text("1.11.4")
    cli = fake.cli()
    assert cli.version() == "1.11.4"
    said.write_text("1.12.0")

    with pytest.raises(ProgramError, match=r"was 1\.11\.4 when .* is 1\.12\.0 now; try again"):
        cli.release_root(cli._root.address()).__enter__()
    with cli.release_root(cli._root.address()):
        assert cli.version() == "1.12.0"


def test_terragrunt_releases_with_the_program_below_it(fake: Fake) -> None:
    fake.program()
    fake.program("--version) echo 'terragrunt version v1.1.3';;", name="terragrunt")
    cli = fake.cli(program="terragrunt", environ={"TG_TF_PATH": "terraform"})

    with cli.release_root(cli._root.address()) as private:
        argv = private.force_unlock_argv("00000000-0000-0000-0000-000000000000")

    assert argv == ("terraform", "force-unlock", "-no-color", "-force", "00000000-0000-0000-0000-000000000000")


def test_an_init_that_fails_is_quoted_kept_whole_and_leaves_nothing(fake: Fake) -> None:
    fake.program("init*) i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); done; exit 1;;")
    cli = fake.cli()

    with pytest.raises(InitFailedError) as raised, cli.release_root(cli._root.address()):
        pytest.fail("it must not be entered")

    assert "line 39" in str(raised.value)
    assert "line 1\n" not in str(raised.value)
    assert raised.value.output.startswith("line 0\nline 1\n")
    assert not list((fake.directory / "private").iterdir())


@pytest.mark.parametrize(
    "lock_id", ["", "-no-color", "acme/x.tfstate", "abc\n", "00000000-0000-0000-0000-00000000000g"]
)
def test_s12_only_a_lock_id_reaches_a_command_line(fake: Fake, lock_id: str) -> None:
    fake.program()
    cli = fake.cli()

    with cli.release_root(cli._root.address()) as private:
        with pytest.raises(ValueError, match="not a lock ID"):
            private.force_unlock(lock_id)
        with pytest.raises(ValueError, match="not a lock ID"):
            private.force_unlock_argv(lock_id)

    assert "force-unlock" not in json.dumps(fake.calls)
