"""Every state of a repository, whatever shape its backend hides in."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.repository.conftest import Checkout
from tests.repository.listing import FULL, full, one, places, states
from tuirunbook.core.state import StateMapping
from tuirunbook.repository.states import States

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuirunbook.core.state import State


def test_every_root_module_is_found_and_modules_are_not(checkout: Checkout) -> None:
    checkout.backend(full("a"), "a/main.tf")
    checkout.backend(full("b"), "a/nested/platform_backend.tf")
    checkout.backend(full("c"), "odd name --/x.tofu")
    checkout.write(
        "cdktf.out/stacks/app/cdk.tf.json", '{"terraform":{"backend":{"s3":{"bucket":"b","key":"d","region":"r"}}}}'
    )
    checkout.write("modules/vpc/main.tf", 'variable "backend" {}\nresource "x" "y" {}\n')
    checkout.write("a/calls.tf", 'module "vpc" {\n  source = "../modules/vpc"\n}\n')
    for skipped in (".git/x", ".terraform/modules/m", ".terragrunt-cache/h", "node_modules/p", ".venv/lib"):
        checkout.backend(full("never"), f"a/{skipped}/main.tf")
    assert places(states(checkout)) == [
        ("a", "b/a"),
        ("a/nested", "b/b"),
        ("cdktf.out/stacks/app", "b/d"),
        ("odd name --", "b/c"),
    ]


def test_the_root_module_one_stands_in_comes_first(checkout: Checkout) -> None:
    checkout.backend(full("a"), "a/main.tf")
    checkout.backend(full("z"), "z/main.tf")
    checkout.write("z/deep/er/readme", "")
    assert [state.root.name for state in states(checkout, "z/deep/er")] == ["z", "a"]


def test_ignored_files_count_and_file_symlinks_are_followed(checkout: Checkout) -> None:
    checkout.write(".gitignore", "backend_tfscaffold.tf\n")
    checkout.backend(full("a"), "a/backend_tfscaffold.tf")
    checkout.backend(full("b"), "shared/common.tf")
    (checkout.top / "linked").mkdir()
    (checkout.top / "linked" / "common.tf").symlink_to("../shared/common.tf")
    (checkout.top / "loop").symlink_to(checkout.top, target_is_directory=True)
    (checkout.top / "a" / "self.tf").symlink_to("self.tf")
    found = states(checkout)
    assert places(found) == [("a", "b/a"), ("linked", "b/b"), ("shared", "b/b")]
    assert "self.tf" in " ".join(found[0].root.notes)


@pytest.mark.parametrize(
    "text",
    [
        'terraform {\n  # backend "gcs" {}\n  backend "s3" {\n%s  }\n}\n',
        '\ufeffterraform {\n  backend "s3" {\n%s  }\n}\n',
        'terraform {\n  required_version = "1"\n}\n\nterraform {\n  backend s3 {\n%s  }\n}\n',
        'terraform {\n  /* c */ backend /* c */ "s3" {\n%s  }\n}\n',
        'data "terraform_remote_state" "x" {\n  backend = "gcs"\n}\nterraform {\n  backend "s3" {\n%s  }\n}\n',
    ],
)
def test_whatever_the_syntax_the_block_is_read(checkout: Checkout, text: str) -> None:
    checkout.write("main.tf", (text % FULL).replace("\n", "\r\n"))
    state = one(checkout)
    assert (state.root.address().lock_id, state.root.address().table) == ("b/k", "t")
    assert state.source == f"block: main.tf:{state.source.rpartition(':')[2]}"


def test_an_override_file_replaces_the_whole_block(checkout: Checkout) -> None:
    checkout.backend(FULL, "main.tf")
    checkout.backend('    bucket = "other"\n    key = "o"\n    region = "r"\n', "x_override.tf")
    state = one(checkout)
    assert state.root.address().lock_id == "other/o"
    assert state.root.address().table is None


def test_a_lockfile_in_quotes_and_constant_templates_count(checkout: Checkout) -> None:
    checkout.backend('    bucket = "b-${"x"}"\n    key = "a/${1 + 1}"\n    region = "r"\n    use_lockfile = "true"\n')
    address = one(checkout).root.address()
    assert (address.lock_id, address.use_lockfile) == ("b-x/a/2", True)


def test_what_is_saved_wins_over_the_files(checkout: Checkout) -> None:
    checkout.backend(full("files"), "a/main.tf")
    checkout.save({"bucket": "b", "key": "saved", "region": "r"}, "a")
    checkout.write("a/.terraform/environment", "prod")
    state = one(checkout)
    assert state.root.address().lock_id == "b/env:/prod/saved"
    assert state.source == "saved: .terraform/terraform.tfstate"


def test_one_root_has_a_state_for_each_file_that_completes_it(checkout: Checkout) -> None:
    checkout.backend("", "app/main.tf")
    for stage in ("dev", "prod"):
        checkout.write(f"app/{stage}.s3.tfbackend", f'bucket = "{stage}"\nkey = "k"\nregion = "r"\n')
    checkout.write("app/notes.tfbackend", 'encrypt = true\nbucket = "half"\n')
    found = states(checkout)
    assert [(state.root.address().lock_id, state.config_files) for state in found] == [
        ("dev/k", ("dev.s3.tfbackend",)),
        ("prod/k", ("prod.s3.tfbackend",)),
    ]
    assert found[0].source == "completed: main.tf:2 + dev.s3.tfbackend"


def test_an_initialised_root_also_has_the_states_of_its_other_files(checkout: Checkout) -> None:
    checkout.backend("", "app/main.tf")
    for stage in ("dev", "prod"):
        checkout.write(f"app/{stage}.tfbackend", f'bucket = "{stage}"\nkey = "k"\nregion = "r"\n')
    checkout.save({"bucket": "dev", "key": "k", "region": "r"}, "app")
    assert sorted(state.root.address().lock_id for state in states(checkout)) == ["dev/k", "prod/k"]


@pytest.mark.parametrize(
    "name", ["config/backend.tfvars", "config/prod.conf", "envs/backend-prod.hcl", "backends/x.backend"]
)
def test_a_file_in_a_configuration_folder_above_completes_the_block(checkout: Checkout, name: str) -> None:
    checkout.backend('    key = "k"\n', "account/eu/app/main.tf")
    checkout.write(f"account/{name}", 'bucket = "b"\nregion = "r"\ndynamodb_table = "t"\n')
    state = one(checkout)
    assert state.root.address().lock_id == "b/k"
    assert state.config_files == (f"../../{name}",)


def test_files_above_that_carry_a_roots_name_are_for_that_root_only(checkout: Checkout) -> None:
    for root in ("dns", "network"):
        checkout.backend("", f"{root}/main.tf")
        checkout.write(f"config/{root}.tfbackend", f'bucket = "b"\nkey = "{root}"\nregion = "r"\n')
    assert places(states(checkout)) == [("dns", "b/dns"), ("network", "b/network")]


def test_what_nothing_completes_is_unresolved_with_what_lacks_and_how(checkout: Checkout) -> None:
    checkout.backend('    bucket = "b"\n', "a/main.tf")
    state = one(checkout)
    assert [lack.argument for lack in state.unresolved] == ["key", "region"]
    assert all(lack.why and ".tflock/config.toml" in lack.how for lack in state.unresolved)


def test_an_expression_is_unresolved_and_never_guessed(checkout: Checkout) -> None:
    checkout.backend('    bucket = "b"\n    key = "${var.env}/k"\n    region = "r"\n', "main.tofu")
    (lack,) = one(checkout).unresolved
    assert lack.argument == "key"
    assert lack.why == "main.tofu:4 sets it to an expression"
    assert lack.how == "run `tofu init` in it, which saves the value, or map this root in .tflock/config.toml"


TOFU = """
variable "stage" {
  default = "dev"
}
locals {
  region = "eu-west-1"
}
terraform {
  backend "s3" {
    bucket = "acme-${var.stage}"
    key    = "k"
    region = local.region
  }
}
"""


def test_opentofu_variables_count_only_as_they_were_saved(checkout: Checkout) -> None:
    checkout.write("app/main.tofu", TOFU)
    checkout.write("envs/dev.tfbackend", 'bucket = "acme-dev"\nregion = "eu-west-1"\n')
    state = one(checkout)
    assert [lack.argument for lack in state.unresolved] == ["bucket", "region"]
    checkout.save({"bucket": "acme-prod", "key": "k", "region": "eu-west-1"}, "app")
    state = one(checkout)
    assert (state.root.address().lock_id, state.root.program) == ("acme-prod/k", "tofu")
    assert state.source.startswith("saved: ")


def test_a_module_with_a_backend_of_its_own_is_a_root_also_where_it_is_called(checkout: Checkout) -> None:
    checkout.backend(full("m"), "m/main.tf")
    checkout.backend(full("a"), "a/main.tf")
    checkout.write("a/calls.tf", 'module "m" {\n  source = "../m"\n}\n')
    assert places(states(checkout)) == [("a", "b/a"), ("m", "b/m")]


def test_a_backend_that_atmos_wrote_counts_with_its_prefix(checkout: Checkout) -> None:
    checkout.write("components/terraform/vpc/main.tf", 'resource "a" "b" {}\n')
    checkout.write(
        "components/terraform/vpc/backend.tf.json",
        '{"terraform": {"backend": {"s3": {"bucket": "b", "key": "terraform.tfstate", "region": "r",'
        ' "workspace_key_prefix": "vpc", "use_lockfile": true}}}}',
    )
    checkout.write("components/terraform/vpc/.terraform/environment", "ue2-prod")
    assert places(states(checkout)) == [("components/terraform/vpc", "b/vpc/ue2-prod/terraform.tfstate")]


WORKFLOW = """
jobs:
  x:
    steps:
    - run: echo
    - name: init
      working-directory: app
      run: |
        terraform init \\
          -backend-config=bucket=b \\
          -backend-config=key=k
"""


class TestScripts:
    def make(self, checkout: Checkout, name: str, text: str, root: str = "app") -> State:
        checkout.backend('    region = "r"\n', f"{root}/main.tf")
        checkout.write(name, text)
        return one(checkout)

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("app/Makefile", "init:\n\t@terraform init -backend-config=bucket=b \\\n\t\t-backend-config='key=k'\n"),
            ("app/init.sh", 'terraform init -backend-config="bucket=b" -backend-config "key=k"\n'),
            ("deploy.sh", "cd app && terraform init -backend-config=bucket=b -backend-config=key=k\n"),
            ("deploy.sh", "terraform -chdir=app init -backend-config=bucket=b -backend-config=key=k\n"),
            ("app/.envrc", 'export TF_CLI_ARGS_init="-backend-config=bucket=b -backend-config=key=k"\n'),
            (
                ".github/workflows/plan.yml",
                WORKFLOW,
            ),
            (
                ".gitlab-ci.yml",
                "plan:\n  script:\n    - cd app && tofu init -backend-config=bucket=b -backend-config=key=k\n",
            ),
        ],
    )
    def test_literal_arguments_complete_the_block(self, checkout: Checkout, name: str, text: str) -> None:
        state = self.make(checkout, name, text)
        assert state.unresolved == ()
        assert state.root.address().lock_id == "b/k"
        assert state.source.startswith("script: ")
        assert name.rpartition("/")[2] in state.source

    def test_a_named_file_is_read(self, checkout: Checkout) -> None:
        checkout.write("app/odd.name", 'bucket = "b"\nkey = "k"\n')
        state = self.make(checkout, "app/Makefile", "init:\n\tterraform init -backend-config=odd.name\n")
        assert state.root.address().lock_id == "b/k"
        assert state.config_files == ("odd.name",)

    def test_variables_are_no_values_and_are_told(self, checkout: Checkout) -> None:
        text = 'init:\n\tterraform init -backend-config="key=$(STAGE)/k" -backend-config=bucket=b\n'
        state = self.make(checkout, "app/Makefile", text)
        why = {lack.argument: lack.why for lack in state.unresolved}
        assert why["key"] == "Makefile:2 takes it from a variable"

    def test_another_roots_script_says_nothing_here(self, checkout: Checkout) -> None:
        text = "cd other && terraform init -backend-config=bucket=b -backend-config=key=k\n"
        assert self.make(checkout, "deploy.sh", text).unresolved


class TestTerragrunt:
    PARENT = (
        'locals {\n  region = "eu-west-1"\n  env = read_terragrunt_config(find_in_parent_folders("env.hcl"))\n}\n'
        'remote_state {\n  backend = "s3"\n  generate = {\n    path = "backend.tf"\n    if_exists = "overwrite"\n  }\n'
        "  config = {\n"
        '    bucket = "${get_env("TG_PREFIX", "acme")}-state-${local.env.locals.name}"\n'
        '    key = "${path_relative_to_include()}/terraform.tfstate"\n'
        '    region = local.region\n    lock_table = "locks"\n    skip_bucket_versioning = true\n  }\n}\n'
    )
    CHILD = 'include "root" {\n  path = find_in_parent_folders("root.hcl")\n}\nterraform {\n  source = "../../m"\n}\n'

    def test_children_get_their_key_from_the_parent(self, checkout: Checkout) -> None:
        checkout.write("live/root.hcl", self.PARENT)
        checkout.write("live/prod/env.hcl", 'locals {\n  name = "prod"\n}\n')
        checkout.write("live/prod/app/terragrunt.hcl", self.CHILD)
        state = one(checkout)
        assert state.unresolved == ()
        assert state.root.address().lock_id == "acme-state-prod/prod/app/terraform.tfstate"
        assert (state.root.address().table, state.root.program) == ("locks", "terragrunt")
        assert state.source == "terragrunt: ../../root.hcl:5"
        assert any("TG_PREFIX" in note for note in state.root.notes)

    def test_the_environment_beats_the_default(self, checkout: Checkout) -> None:
        checkout.environ["TG_PREFIX"] = "mine"
        self.test_parent_is_no_state(checkout)
        assert one(checkout).root.address().bucket == "mine-state-x"

    def test_parent_is_no_state(self, checkout: Checkout) -> None:
        checkout.write("terragrunt.hcl", self.PARENT)
        checkout.write("env.hcl", 'locals {\n  name = "x"\n}\n')
        checkout.write("app/terragrunt.hcl", "include {\n  path = find_in_parent_folders()\n}\n")
        assert [state.root.name for state in states(checkout)] == ["app"]

    def test_what_a_command_computes_is_unresolved(self, checkout: Checkout) -> None:
        checkout.write("live/root.hcl", self.PARENT.replace("local.env.locals.name", 'run_cmd("x")'))
        checkout.write("live/app/terragrunt.hcl", self.CHILD)
        (lack,) = one(checkout).unresolved
        assert lack.argument == "bucket"
        assert "expression" in lack.why

    def test_a_leafs_own_remote_state_wins(self, checkout: Checkout) -> None:
        checkout.write("live/root.hcl", self.PARENT)
        config = '{\n    bucket = "own"\n    key = "k"\n    region = "r"\n  }'
        own = f'remote_state {{\n  backend = "s3"\n  config = {config}\n}}\n'
        checkout.write("live/app/terragrunt.hcl", self.CHILD + own)
        assert one(checkout).root.address().lock_id == "own/k"

    def test_a_commented_out_remote_state_is_none(self, checkout: Checkout) -> None:
        checkout.write("live/root.hcl", "".join(f"# {line}\n" for line in self.PARENT.splitlines()))
        checkout.write("live/app/terragrunt.hcl", self.CHILD)
        (lack,) = one(checkout).unresolved
        assert lack.argument == "backend"

    def test_the_working_directory_of_an_earlier_run_wins(self, checkout: Checkout) -> None:
        checkout.write("live/root.hcl", self.PARENT)
        checkout.write("live/app/terragrunt.hcl", self.CHILD)
        checkout.save({"bucket": "b", "key": "cached", "region": "r"}, "live/app/.terragrunt-cache/h1/h2")
        assert one(checkout).root.address().lock_id == "b/cached"


class TestMapping:
    def test_the_team_maps_what_the_files_do_not_tell(self, checkout: Checkout) -> None:
        for name in ("live/a", "live/b"):
            checkout.backend("", f"{name}/main.tf")
        mapping = StateMapping(
            root="live/*", backend={"bucket": "b", "key": "{root}/{name}.tfstate", "region": "r"}, workspaces=("prod",)
        )
        found = states(checkout, None, mapping)
        assert places(found) == [
            ("live/a", "b/live/a/a.tfstate"),
            ("live/a", "b/env:/prod/live/a/a.tfstate"),
            ("live/b", "b/live/b/b.tfstate"),
            ("live/b", "b/env:/prod/live/b/b.tfstate"),
        ]
        assert found[0].source == "mapping: .tflock/config.toml"

    def test_a_mapping_may_name_files(self, checkout: Checkout) -> None:
        checkout.backend('    key = "k"\n', "a/main.tf")
        checkout.write("shared/any.txt", 'bucket = "b"\nregion = "r"\n')
        (state,) = states(checkout, None, StateMapping(root="**/a", config_files=("shared/any.txt",)))
        assert state.root.address().lock_id == "b/k"
        assert state.config_files == ("../shared/any.txt",)

    def test_a_unit_that_only_terragrunt_can_evaluate_can_be_mapped(self, checkout: Checkout) -> None:
        checkout.write(
            "live/a/terragrunt.hcl",
            'terraform {\n  source = "x"\n}\nremote_state {\n  backend = "s3"\n  config = run_cmd("x")\n}\n',
        )
        mapping = StateMapping(root="live/*", backend={"bucket": "b", "key": "{name}", "region": "r"})
        (state,) = states(checkout, None, mapping)
        assert (state.root.address().lock_id, state.root.program) == ("b/a", "terragrunt")

    def test_a_root_whose_backend_a_script_writes_can_be_mapped(self, checkout: Checkout) -> None:
        checkout.write("a/main.tf", "locals {}\n")
        mapping = StateMapping(root="a", backend={"bucket": "b", "key": "k", "region": "r"})
        (state,) = states(checkout, None, mapping)
        assert state.root.address().lock_id == "b/k"

    def test_endpoints_and_credentials_cannot_be_mapped(self) -> None:
        for name in ("endpoint", "access_key", "shared_config_files", "assume_role"):
            with pytest.raises(ValueError, match=name):
                StateMapping(root="a", backend={name: "x"})


@contextmanager
def unprivileged() -> Iterator[None]:
    """As somebody whom file permissions hold back, whoever runs the tests."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


class TestBadInput:
    def test_a_file_that_does_not_parse_spoils_its_own_root_only(self, checkout: Checkout) -> None:
        checkout.write("bad/main.tf", 'terraform {\n  backend "s3" {\n    bucket = = "b"\n  }\n}\n')
        checkout.backend(full("k"), "good/main.tf")
        bad, good = states(checkout)
        assert good.unresolved == ()
        (lack,) = bad.unresolved
        assert lack.argument == "backend"
        assert "bad/main.tf:3:14: " in lack.why

    @pytest.mark.parametrize("text", ["{", '{"terraform": [', "[" * 100_000])
    def test_broken_json_is_told_with_its_place(self, checkout: Checkout, text: str) -> None:
        checkout.write("bad/backend.tf.json", f'{text}\n"terraform": "backend": {{')
        checkout.backend(full("k"), "good/main.tf")
        bad, good = states(checkout)
        assert "backend.tf.json" in bad.unresolved[0].why
        assert good.unresolved == ()

    def test_names_with_newlines_and_escape_sequences_reach_no_sentence(self, checkout: Checkout) -> None:
        checkout.write("a\n\x1b[2Jb/ma\x1bin.tf", 'terraform {\n  backend "s3" {\n')
        checkout.backend(full("k"), "c\nd/main.tf")
        bad, good = states(checkout)
        assert "\x1b" not in bad.unresolved[0].why
        assert good.root.address().lock_id == "b/k"

    def test_a_directory_that_is_no_checkout_is_searched_as_well(self, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "main.tf").write_text(f'terraform {{\n  backend "s3" {{\n{FULL}  }}\n}}\n')
        (state,) = States(tmp_path, None, environ={}).all()
        assert state.root.name == "a"

    def test_what_cannot_be_read_is_told_and_spoils_nothing(self) -> None:
        # pytest's own directories are closed to everybody but who runs it
        with tempfile.TemporaryDirectory() as public:
            Path(public).chmod(0o755)
            checkout = Checkout(Path(public).resolve() / "infra")
            checkout.backend(full("k"), "a/main.tf").chmod(0)
            checkout.backend(full("k"), "b/main.tf")
            (checkout.top / "b").chmod(0)
            checkout.backend(full("k"), "c/main.tf")
            try:
                with unprivileged():
                    found = states(checkout)
            finally:
                (checkout.top / "b").chmod(0o700)
        assert [bool(state.unresolved) for state in found] == [True, True, False]
        assert "this file cannot be read (Permission denied)" in found[0].unresolved[0].why
        assert "this directory cannot be listed (Permission denied)" in found[1].unresolved[0].why

    def test_a_fifo_does_not_stop_the_search(self, checkout: Checkout) -> None:
        checkout.backend(full("k"), "a/main.tf")
        os.mkfifo(checkout.top / "a" / "pipe.tf")
        os.mkfifo(checkout.top / "a" / "run.sh")
        os.mkfifo(checkout.top / "a" / "x.tfbackend")
        assert len(states(checkout)) == 1

    def test_links_to_pipes_and_endless_devices_do_not_stop_the_search(self, checkout: Checkout) -> None:
        checkout.backend(full("k"), "a/main.tf")
        os.mkfifo(checkout.top / "pipe")
        (checkout.top / "a" / "pipe.tf").symlink_to("../pipe")
        (checkout.top / "a" / "zero.tf").symlink_to("/dev/zero")
        assert len(states(checkout)) == 1

    def test_a_key_that_is_no_states_is_told(self, checkout: Checkout) -> None:
        checkout.backend(full("k.tflock"), "a/main.tf")
        assert "names a lockfile" in one(checkout).unresolved[0].why

    def test_another_backend_is_listed_with_where_its_lock_lives(self, checkout: Checkout) -> None:
        checkout.backend('    bucket = "b"\n', "a/main.tf", kind="gcs")
        (lack,) = one(checkout).unresolved
        assert "gcs" in lack.why
