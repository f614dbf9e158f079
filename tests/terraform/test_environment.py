"""What terraform inherits, and what it does not."""

from __future__ import annotations

from tuirunbook.terraform.environment import checkout_environment, pinned_version, private_environment

INHERITED = {
    "PATH": "/bin",
    "TF_CLI_ARGS": "-lock=false",
    "TF_CLI_ARGS_plan": "-lock=false",
    "TF_LOG": "TRACE",
    "TF_LOG_PATH": "/var/log/tf",
    "TF_REATTACH_PROVIDERS": "{}",
    "TF_WORKSPACE": "prod",
    "TF_DATA_DIR": ".elsewhere",
    "TF_VAR_region": "eu-west-1",
    "TF_CLI_CONFIG_FILE": "/etc/terraformrc",
    "AWS_PROFILE": "user",
    "AWS_SESSION_TOKEN": "old",
    "AWS_ROLE_ARN": "arn:again",
    "AWS_CONFIG_FILE": "/home/me/.aws/config",
}


def test_s8_inherited_arguments_and_logs_are_cleared() -> None:
    environ = checkout_environment(INHERITED, workspace=None, data_dir=None)

    assert not [name for name in environ if name.startswith(("TF_CLI_ARGS", "TF_LOG", "TF_REATTACH"))]
    assert environ["TF_IN_AUTOMATION"] == "1"
    assert environ["TF_INPUT"] == "0"
    assert environ["TF_VAR_region"] == "eu-west-1"
    assert environ["TF_CLI_CONFIG_FILE"] == "/etc/terraformrc"
    assert environ["AWS_PROFILE"] == "user"


def test_workspace_and_data_directory_are_the_root_modules_not_the_shells() -> None:
    unsaid = checkout_environment(INHERITED, workspace=None, data_dir=None)
    said = checkout_environment(INHERITED, workspace="default", data_dir="/repo/.tf")

    assert not {"TF_WORKSPACE", "TF_DATA_DIR"} & unsaid.keys()
    assert (said["TF_WORKSPACE"], said["TF_DATA_DIR"]) == ("default", "/repo/.tf")


def test_the_private_root_knows_no_workspace_no_variables_and_only_its_own_data_directory() -> None:
    environ = private_environment(INHERITED, data_dir="/private/data", credentials={})

    assert "TF_WORKSPACE" not in environ
    assert "TF_VAR_region" not in environ
    assert environ["TF_DATA_DIR"] == "/private/data"
    assert environ["AWS_PROFILE"] == "user"


def test_given_credentials_are_the_only_ones() -> None:
    given = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "B"}

    environ = private_environment(INHERITED, data_dir="/private/data", credentials=given)

    left = {name: value for name, value in environ.items() if name.startswith("AWS_")}
    assert left == {**given, "AWS_CONFIG_FILE": "/home/me/.aws/config"}


def test_a_customer_key_alone_leaves_the_inherited_credentials() -> None:
    environ = private_environment(INHERITED, data_dir="/d", credentials={"AWS_SSE_CUSTOMER_KEY": "k"})

    assert environ["AWS_PROFILE"] == "user"
    assert environ["AWS_SSE_CUSTOMER_KEY"] == "k"


def test_version_managers_are_told_the_version() -> None:
    assert pinned_version("1.5.7")["TFENV_TERRAFORM_VERSION"] == "1.5.7"
