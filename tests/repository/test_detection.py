"""Which root module, which backend, which workspace, and where each value came from."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tuirunbook import repository
from tuirunbook.core.other_backends import other_backend

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repository.conftest import Checkout

FULL = '    bucket = "b"\n    key = "k.tfstate"\n    region = "eu-west-1"\n    dynamodb_table = "locks"'
SAVED: dict[str, object] = {"bucket": "b", "key": "k.tfstate", "region": "eu-west-1", "dynamodb_table": "locks"}


class TestRootModule:
    @pytest.mark.parametrize("start", ["envs/prod", "envs/prod/modules/vpc", "envs/prod/modules/vpc/main.tf"])
    def test_the_nearest_root_module_above_encloses(self, checkout: Checkout, start: str) -> None:
        checkout.backend(FULL, "main.tf")
        checkout.backend(FULL.replace('"k.', '"prod.'), "envs/prod/_terraform.tf")
        checkout.write("envs/prod/modules/vpc/main.tf", 'variable "backend" {\n}\n')
        root = checkout.detect(start)
        assert root.directory == str(checkout.top / "envs/prod")
        assert root.name == "envs/prod"
        assert root.checkout == str(checkout.top)
        assert root.address().lock_id == "b/prod.tfstate"

    def test_nothing_above_the_checkout_counts(self, checkout: Checkout) -> None:
        (checkout.top.parent / "main.tf").write_text('terraform {\n  backend "s3" {\n  }\n}\n')
        assert "declares a backend" in checkout.refused().sentence

    def test_outside_a_checkout_only_the_directory_itself_counts(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "main.tf").write_text('terraform {\n  backend "s3" {\n    key = "k"\n  }\n}\n')
        assert repository.detect(tmp_path, environ={}).checkout is None
        with pytest.raises(repository.DetectionError) as caught:
            repository.detect(tmp_path / "sub", environ={})
        assert "no git checkout" in caught.value.sentence

    def test_a_checkout_without_a_root_here_names_those_below(self, checkout: Checkout) -> None:
        checkout.backend(FULL, "envs/prod/main.tf")
        checkout.backend(FULL, "envs/dev/main.tf")
        assert "envs/dev, envs/prod" in checkout.refused("envs/..").next_step

    def test_a_worktree_is_a_checkout(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        git = ["git", "-C", str(checkout.top), "-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "m"], check=True)
        worktree = checkout.top.parent / "worktree"
        subprocess.run([*git, "worktree", "add", "--quiet", str(worktree)], check=True)
        assert repository.detect(worktree, environ={}).checkout == str(worktree)

    def test_a_generated_backend_that_git_ignores_is_read(self, checkout: Checkout) -> None:
        checkout.write(".gitignore", "backend_tfscaffold.tf\n")
        checkout.backend(FULL, "backend_tfscaffold.tf")
        assert checkout.detect().backend.text("bucket") == "b"

    def test_a_symlinked_file_is_followed(self, checkout: Checkout) -> None:
        target = checkout.backend(FULL, "shared/backend.tf.shared")
        (checkout.top / "app").mkdir()
        (checkout.top / "app/backend.tf").symlink_to(target)
        assert checkout.detect("app").backend.text("bucket") == "b"

    def test_a_start_that_is_not_there_is_said(self, checkout: Checkout) -> None:
        assert "is not there" in checkout.refused("nowhere").sentence

    def test_a_local_state_is_said(self, checkout: Checkout) -> None:
        checkout.write("main.tf", "locals {\n}\n")
        checkout.write("terraform.tfstate", "{}")
        assert "lock is local" in checkout.refused().next_step


class TestSavedConfiguration:
    def test_it_wins_and_each_disagreement_is_shown(self, checkout: Checkout) -> None:
        checkout.backend(FULL + '\n    use_lockfile = "true"')
        checkout.save({**SAVED, "key": "old.tfstate", "use_lockfile": True, "profile": "ops"})
        root = checkout.detect()
        assert root.initialised
        assert root.address().key == "old.tfstate"
        assert root.backend.origins["key"] == ".terraform/terraform.tfstate"
        (difference,) = root.disagreements
        assert difference.argument == "key"
        assert (difference.saved, difference.files) == ("old.tfstate", "k.tfstate")
        assert difference.where == "backend.tf:4"

    def test_another_type_in_the_files_is_a_disagreement(self, checkout: Checkout) -> None:
        checkout.backend("", kind="gcs")
        checkout.save(SAVED)
        root = checkout.detect()
        assert root.backend.type == "s3"
        assert [(d.argument, d.saved, d.files) for d in root.disagreements] == [("backend", "s3", "gcs")]

    def test_a_block_that_went_away_is_a_disagreement(self, checkout: Checkout) -> None:
        checkout.write("main.tf", "locals {\n}\n")
        checkout.save(SAVED)
        assert [(d.saved, d.files) for d in checkout.detect().disagreements] == [("s3", "none")]

    def test_nested_arguments_are_compared_one_by_one(self, checkout: Checkout) -> None:
        checkout.backend(FULL + '\n    assume_role = {\n      role_arn = "new"\n      external_id = "e"\n    }')
        checkout.save({**SAVED, "assume_role": {"role_arn": "old", "external_id": "e", "policy": None}})
        assert [d.argument for d in checkout.detect().disagreements] == ["assume_role.role_arn"]

    def test_it_is_found_in_the_data_directory_of_the_environment(self, checkout: Checkout) -> None:
        checkout.backend('    key = "k"')
        checkout.save(SAVED, data_dir=".tfdata")
        checkout.environ["TF_DATA_DIR"] = ".tfdata"
        root = checkout.detect()
        assert root.initialised
        assert root.data_dir == str(checkout.top / ".tfdata")
        assert root.backend.origins["bucket"] == ".tfdata/terraform.tfstate"

    def test_a_data_directory_elsewhere_belongs_to_the_root_that_declares_a_backend(
        self, checkout: Checkout, tmp_path: Path
    ) -> None:
        checkout.backend("", "app/main.tf")
        (checkout.top / "app/src").mkdir()
        checkout.save(SAVED, directory=str(tmp_path), data_dir="elsewhere")
        checkout.environ["TF_DATA_DIR"] = str(tmp_path / "elsewhere")
        root = checkout.detect("app/src")
        assert root.directory == str(checkout.top / "app")
        assert root.address().bucket == "b"

    def test_unreadable_it_is_said_and_the_files_are_used(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.write(".terraform/terraform.tfstate", '{"version": 3,\n')
        root = checkout.detect()
        assert not root.initialised
        assert root.address().key == "k.tfstate"
        assert "cannot be read" in root.notes[0]

    def test_unreadable_and_without_files_it_is_refused(self, checkout: Checkout) -> None:
        checkout.write(".terraform/terraform.tfstate", "[]")
        assert "not an object" in checkout.refused().sentence

    def test_the_first_result_needs_neither_python_hcl2_nor_gitpython(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.save(SAVED)
        code = (
            "import sys; from pathlib import Path; from tuirunbook.repository import detect_saved\n"
            "assert detect_saved(Path(sys.argv[1]), environ={}).address().lock_id == 'b/k.tfstate'\n"
            "print(sorted({'hcl2', 'lark', 'git', 'boto3', 'textual'} & set(sys.modules)))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, str(checkout.top)], capture_output=True, text=True, check=True
        )
        assert ran.stdout.strip() == "[]"

    def test_without_one_the_quick_way_answers_nothing(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        assert repository.detect_saved(checkout.top, environ={}) is None

    def test_a_file_that_does_not_parse_is_told_beside_it(self, checkout: Checkout) -> None:
        checkout.backend(FULL, "main.tf")
        checkout.write("alb.tf", 'resource "x" "backend" {\n')
        checkout.save(SAVED)
        root = checkout.detect()
        assert root.initialised
        assert any("alb.tf:1:24" in note for note in root.notes)


class TestBackendConfig:
    def test_later_wins_over_earlier_and_over_the_block(self, checkout: Checkout) -> None:
        checkout.backend('    key = "block"\n    region = "r"\n    encrypt = true')
        checkout.write(
            "prod.tfbackend", '# prod\nbucket = "file"\nkey = "file" // why\nassume_role = { role_arn = "a" }\n'
        )
        root = checkout.detect(config=["bucket=early", "prod.tfbackend", "key=late"])
        assert root.backend.arguments == {
            "bucket": "file",
            "key": "late",
            "region": "r",
            "encrypt": True,
            "assume_role": {"role_arn": "a"},
        }
        assert root.backend.origins["bucket"] == "--backend-config prod.tfbackend"
        assert root.backend.origins["key"] == "--backend-config key"
        assert root.backend.origins["region"] == "backend.tf:4"
        assert not root.missing

    def test_nested_values_are_hcl_and_replace_as_a_whole(self, checkout: Checkout) -> None:
        checkout.backend('    endpoints = {\n      s3 = "x"\n      sts = "y"\n    }')
        root = checkout.detect(config=['endpoints={dynamodb="http://localhost:1"}', "key=a=b"])
        assert root.backend.block("endpoints") == {"dynamodb": "http://localhost:1"}
        assert root.backend.text("key") == "a=b"

    def test_an_empty_one_clears_those_before(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        assert checkout.detect(config=["key=x", ""]).address().key == "k.tfstate"

    def test_null_unsets(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.write("c.hcl", "dynamodb_table = null\n")
        assert checkout.detect(config=["c.hcl"]).address().table is None

    def test_a_file_is_seen_from_where_one_stands_then_from_the_root(self, checkout: Checkout) -> None:
        checkout.backend("", "app/main.tf")
        checkout.write("app/sub/here.tfbackend", 'bucket = "here"\n')
        checkout.write("app/root.tfbackend", 'key = "root"\n')
        root = checkout.detect("app/sub", ["here.tfbackend", "root.tfbackend"])
        assert root.backend.arguments == {"bucket": "here", "key": "root"}

    def test_a_json_file_is_read(self, checkout: Checkout) -> None:
        checkout.backend("")
        checkout.write("c.json", '{"bucket": "j"}')
        assert checkout.detect(config=["c.json"]).backend.text("bucket") == "j"

    def test_a_file_that_is_not_there_is_said(self, checkout: Checkout) -> None:
        checkout.backend("")
        assert "'prod.tfbackend'" in checkout.refused(config=["prod.tfbackend"]).sentence

    def test_a_file_that_does_not_parse_is_said_with_its_line(self, checkout: Checkout) -> None:
        checkout.backend("")
        checkout.write("c.tfbackend", 'bucket = "b"\nkey = \n')
        error = checkout.refused(config=["c.tfbackend"])
        assert error.line == 2

    def test_what_is_saved_already_stays_initialised(self, checkout: Checkout) -> None:
        checkout.backend('    key = "k.tfstate"')
        checkout.save({**SAVED, "profile": "ops"})
        root = checkout.detect(config=["bucket=b"])
        assert root.initialised
        assert root.backend.text("profile") == "ops"
        assert not root.disagreements

    def test_another_configuration_than_the_saved_one_is_used_and_said(self, checkout: Checkout) -> None:
        checkout.backend('    region = "eu-west-1"')
        checkout.save(SAVED)
        root = checkout.detect(config=["bucket=other", "key=k.tfstate"])
        assert not root.initialised
        assert root.address().bucket == "other"
        assert [d.argument for d in root.disagreements] == ["bucket"]
        assert any("initialised for another" in note for note in root.notes)


class TestMissing:
    def test_what_a_partial_configuration_lacks_is_listed_with_files_that_may_have_it(self, checkout: Checkout) -> None:
        checkout.backend('    key = "k"', "acct/app/main.tf")
        checkout.write("acct/app/dev.s3.tfbackend", 'bucket = "dev"\n')
        checkout.write("acct/app/prod.app.backend", 'bucket = "prod"\n')
        checkout.write("acct/app/nginx.conf", "server {}\n")
        checkout.write("acct/config/backend.tfvars", 'bucket = "shared"\nregion = "r"\n')
        checkout.write("config/.hidden.tfbackend", 'bucket = "hidden"\n')
        root = checkout.detect("acct/app")
        assert root.candidates == ("dev.s3.tfbackend", "prod.app.backend", "../config/backend.tfvars")
        assert [missing.argument for missing in root.missing] == ["bucket", "region"]
        assert "--backend-config bucket=VALUE" in root.missing[0].how
        assert "dev.s3.tfbackend" in root.missing[0].how
        assert "AWS_REGION" in root.missing[1].how
        assert root.backend.arguments == {"key": "k"}

    def test_an_opentofu_variable_comes_from_the_saved_configuration_only(self, checkout: Checkout) -> None:
        checkout.backend(FULL.replace('"locks"', "var.table").replace('"b"', '"b-${var.env}"'), "main.tofu")
        root = checkout.detect()
        assert root.program == "tofu"
        assert [missing.argument for missing in root.missing] == ["bucket", "dynamodb_table"]
        assert "main.tofu:3" in root.missing[0].how
        checkout.save(SAVED)
        root = checkout.detect()
        assert root.address().bucket == "b"
        assert not root.missing
        assert not root.disagreements

    @pytest.mark.parametrize(
        ("environ", "origin"),
        [
            ({"AWS_REGION": "one", "AWS_DEFAULT_REGION": "two"}, "AWS_REGION"),
            ({"AWS_DEFAULT_REGION": "two"}, "AWS_DEFAULT_REGION"),
        ],
    )
    def test_the_region_comes_from_the_environment_last(
        self, checkout: Checkout, environ: dict[str, str], origin: str
    ) -> None:
        checkout.environ |= environ
        checkout.backend('    bucket = "b"\n    key = "k"')
        root = checkout.detect()
        assert root.backend.origins["region"] == origin
        assert root.address().region == environ[origin]
        assert not root.missing


class TestWorkspace:
    def test_flag_environment_selection_and_default_count_in_this_order(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        root = checkout.detect()
        assert (root.workspace, root.workspace_origin) == ("default", "default")
        checkout.write(".terraform/environment", "prod\n")
        root = checkout.detect()
        assert (root.workspace, root.workspace_origin) == ("prod", ".terraform/environment")
        assert root.address().lock_id == "b/env:/prod/k.tfstate"
        checkout.environ["TF_WORKSPACE"] = "stage"
        root = checkout.detect()
        assert (root.workspace, root.workspace_origin) == ("stage", "TF_WORKSPACE")
        root = checkout.detect(workspace="dev")
        assert (root.workspace, root.workspace_origin) == ("dev", "--workspace")

    def test_a_name_that_terraform_would_not_accept_is_refused(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.environ["TF_WORKSPACE"] = "../../other"
        assert "TF_WORKSPACE" in checkout.refused().sentence


class TestPrograms:
    def test_a_tofu_file_shadows_the_tf_file_of_the_same_name(self, checkout: Checkout) -> None:
        checkout.backend(FULL, "backend.tf")
        checkout.backend(FULL.replace('"b"', '"tofu"'), "backend.tofu")
        root = checkout.detect()
        assert root.program == "tofu"
        assert root.address().bucket == "tofu"

    def test_a_dependency_lock_of_the_opentofu_registry_shows_opentofu(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.write(".terraform.lock.hcl", 'provider "registry.opentofu.org/hashicorp/null" {\n}\n')
        assert checkout.detect().program == "tofu"

    def test_a_terragrunt_unit_that_was_never_initialised_says_how(self, checkout: Checkout) -> None:
        checkout.write("live/app/terragrunt.hcl", 'include "root" {\n  path = find_in_parent_folders()\n}\n')
        root = checkout.detect("live/app")
        assert root.program == "terragrunt"
        assert [missing.argument for missing in root.missing] == ["bucket", "key", "region"]
        assert any("terragrunt init" in note for note in root.notes)

    def test_a_terragrunt_unit_uses_its_newest_working_directory(self, checkout: Checkout) -> None:
        checkout.write("app/terragrunt.hcl", "")
        for name, bucket, age in (("a", "old", 1), ("b", "new", 2)):
            saved = checkout.save({**SAVED, "bucket": bucket}, f"app/.terragrunt-cache/h/{name}/modules/x")
            os.utime(saved, (age, age))
        root = checkout.detect("app")
        assert root.program == "terragrunt"
        assert root.initialised
        assert root.address().bucket == "new"
        assert root.directory == str(checkout.top / "app")
        assert root.working_directory == str(checkout.top / "app/.terragrunt-cache/h/b/modules/x")


class TestOtherBackends:
    @pytest.mark.parametrize(
        "kind",
        ["gcs", "azurerm", "pg", "consul", "kubernetes", "http", "remote", "local", "oss", "cos", "oci", "swift"],
    )
    def test_each_is_answered_with_where_its_lock_lives(self, checkout: Checkout, kind: str) -> None:
        checkout.backend("", kind=kind)
        root = checkout.detect()
        answer = other_backend(kind)
        assert answer is not None
        assert root.backend.type == kind
        assert root.notes == (answer.lives, answer.advice)
        assert not root.missing

    def test_a_cloud_block_is_one(self, checkout: Checkout) -> None:
        checkout.write("main.tf", 'terraform {\n  cloud {\n    workspaces {\n      name = "x"\n    }\n  }\n}\n')
        assert checkout.detect().backend.type == "cloud"

    def test_s3_is_none(self) -> None:
        assert other_backend("s3") is None


class TestSecretsAndTrust:
    def test_secrets_are_in_no_text(self, checkout: Checkout) -> None:
        secrets = {"access_key": "hush-a", "secret_key": "hush-s", "token": "hush-t", "sse_customer_key": "hush-c"}
        body = "".join(f'    {name} = "{value}-file"\n' for name, value in secrets.items())
        checkout.backend(FULL + "\n" + body)
        checkout.save({**SAVED, **secrets, "assume_role_with_web_identity": {"web_identity_token": "hush-w"}})
        for root in (checkout.detect(), checkout.detect(config=["secret_key=hush-again"])):
            shown = repr(root) + repr(root.disagreements) + repr(root.backend.__rich_repr__())
            assert "hush" not in shown
            assert {d.argument for d in root.disagreements} == set(secrets)
            assert {d.files for d in root.disagreements} == {"differs"}

    def test_a_broken_body_is_not_quoted(self, checkout: Checkout) -> None:
        checkout.backend('    secret_key = "hush" + + 1')
        error = checkout.refused()
        assert "hush" not in str(error)
        assert error.line == 3
        assert error.__cause__ is None

    def test_settings_files_inside_the_checkout_need_trust(self, checkout: Checkout) -> None:
        checkout.environ["HOME"] = "/home/somebody"
        checkout.backend(
            FULL + '\n    shared_config_files = ["../aws/config", "~/.aws/config", "/etc/aws"]', "app/main.tf"
        )
        root = checkout.detect("app")
        assert root.needs_trust == (str(checkout.top / "aws/config"),)
        assert any("trust" in note for note in root.notes)

    def test_a_home_inside_the_checkout_needs_trust_too(self, checkout: Checkout) -> None:
        checkout.environ["HOME"] = str(checkout.top)
        checkout.backend(FULL + '\n    shared_credentials_file = "~/c"')
        assert checkout.detect().needs_trust == (str(checkout.top / "c"),)


class TestBadInput:
    def test_a_file_that_cannot_be_read_is_named(self, checkout: Checkout) -> None:
        (checkout.top / "backend.tf").symlink_to("nowhere.tf")
        error = checkout.refused()
        assert error.file == str(checkout.top / "backend.tf")
        assert "cannot be read" in error.sentence

    def test_a_file_that_is_not_utf_8_is_named(self, checkout: Checkout) -> None:
        checkout.write("main.tf", b'terraform {\n  backend "s3" {\n    key = "\xff"\n  }\n}\n')
        assert checkout.refused().line == 3

    def test_a_broken_file_beside_the_backend_is_only_told(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.write("alb.tf", 'resource "aws_lb" "backend" {\n  name = "x\n}\n')
        root = checkout.detect()
        assert root.address().bucket == "b"
        assert any("alb.tf:2" in note for note in root.notes)

    def test_a_broken_file_below_the_root_does_not_hide_it(self, checkout: Checkout) -> None:
        checkout.backend(FULL)
        checkout.write("modules/alb/main.tf", 'resource "aws_lb" "backend" {\n  name = "x\n}\n')
        assert checkout.detect("modules/alb").directory == str(checkout.top)

    def test_a_key_that_names_a_lock_is_refused(self, checkout: Checkout) -> None:
        checkout.backend(FULL.replace("k.tfstate", "k.tfstate.tflock"))
        assert "lockfile" in checkout.refused().sentence

    def test_escape_sequences_in_names_reach_no_message(self, checkout: Checkout) -> None:
        checkout.backend("    path = ", "\x1b[31mevil.tf")
        assert "\x1b" not in str(checkout.refused())


class TestWithoutCheckout:
    def test_bucket_and_key_are_enough_to_look(self) -> None:
        root = repository.from_arguments(bucket="b", key="k", environ={"AWS_REGION": "r"})
        assert root.directory is None
        assert root.address().lock_id == "b/k"
        assert root.address().use_lockfile
        assert root.address().table is None
        assert root.backend.origins["region"] == "AWS_REGION"

    def test_a_table_is_taken_and_no_lockfile_assumed(self) -> None:
        root = repository.from_arguments(
            bucket="b", key="k", table="locks", region="r", workspace="prod", environ={"AWS_REGION": "other"}
        )
        assert root.address().lock_id == "b/env:/prod/k"
        assert (root.address().table, root.address().region) == ("locks", "r")
        assert not root.address().use_lockfile

    def test_a_workspace_of_the_environment_is_not_slipped_in(self) -> None:
        root = repository.from_arguments(bucket="b", key="k", environ={"TF_WORKSPACE": "prod"})
        assert root.address().lock_id == "b/k"
        assert "TF_WORKSPACE" in root.notes[0]
        assert [missing.argument for missing in root.missing] == ["region"]

    @pytest.mark.parametrize(("bucket", "key"), [("s3://b", "k"), ("b", ""), ("b", "k-md5")])
    def test_what_cannot_be_a_state_is_refused(self, bucket: str, key: str) -> None:
        with pytest.raises(repository.DetectionError):
            repository.from_arguments(bucket=bucket, key=key, environ={})
