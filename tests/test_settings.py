"""Settings: what counts, what needs trust, and where a mistake stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuirunbook.settings import SettingsFileError, Trust, config_directory, content_hash, read_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))
    config_directory().mkdir(parents=True)
    return tmp_path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "checkout" / ".tflock").mkdir(parents=True)
    return tmp_path / "checkout"


def write_user(text: str) -> None:
    (config_directory() / "config.toml").write_text(text)


def write_repository(checkout: Path, text: str) -> Path:
    file = checkout / ".tflock" / "config.toml"
    file.write_text(text)
    return file


@pytest.mark.usefixtures("home")
def test_without_files_nothing_is_set(checkout: Path) -> None:
    settings = read_settings(checkout)
    assert (settings.read_only, settings.plan_args, settings.ignored) == ("", (), "")


@pytest.mark.usefixtures("home")
def test_everything_a_user_may_set_is_read() -> None:
    write_user(
        'program = "tofu"\nplan_args = ["-refresh=false"]\njournal_dir = "~/incidents"\ntheme = "nord"\n'
        'operator = "Ada"\nif_match_endpoints = ["https://minio.test"]\n[keymap]\n"step.next" = "space"\n'
    )
    user = read_settings(None).user
    assert (user.program, user.theme, user.operator) == ("tofu", "nord", "Ada")
    assert user.keymap == {"step.next": "space"}
    assert user.if_match_endpoints == ("https://minio.test",)


@pytest.mark.usefixtures("home")
def test_read_only_is_asked_for_by_any_of_them_and_says_where(checkout: Path) -> None:
    assert read_settings(checkout, read_only_flag=True).read_only == "--read-only"
    write_user("read_only = true\n")
    assert "config.toml" in read_settings(None).read_only
    write_repository(checkout, "read_only = true\n")
    assert read_settings(checkout, read_only_flag=True).read_only.count(" and ") == 2


@pytest.mark.usefixtures("home")
def test_a_repositorys_plan_arguments_need_trust_and_it_is_said(checkout: Path) -> None:
    file = write_repository(checkout, 'plan_args = ["-var-file=prod.tfvars"]\n')
    settings = read_settings(checkout)
    assert settings.plan_args == ()
    assert "tflock-tui trust" in settings.ignored
    digest = content_hash(file)
    assert digest is not None
    Trust.default().add({file: digest})
    assert read_settings(checkout).plan_args == ("-var-file=prod.tfvars",)


@pytest.mark.usefixtures("home")
def test_a_file_that_changes_is_not_trusted_any_more(checkout: Path) -> None:
    file = write_repository(checkout, 'plan_args = ["-refresh=false"]\n')
    Trust.default().add({file: content_hash(file) or ""})
    write_repository(checkout, 'plan_args = ["-destroy"]\n')
    assert read_settings(checkout).plan_args == ()


@pytest.mark.usefixtures("home")
def test_trust_is_for_one_file_not_for_its_twin(checkout: Path, tmp_path: Path) -> None:
    file = write_repository(checkout, 'plan_args = ["-destroy"]\n')
    Trust.default().add({file: content_hash(file) or ""})
    twin = tmp_path / "twin"
    (twin / ".tflock").mkdir(parents=True)
    write_repository(twin, file.read_text())
    assert read_settings(twin).plan_args == ()


@pytest.mark.usefixtures("home")
def test_a_repositorys_read_only_needs_no_trust(checkout: Path) -> None:
    write_repository(checkout, 'read_only = true\nplan_args = ["-destroy"]\n')
    settings = read_settings(checkout)
    assert settings.read_only
    assert settings.plan_args == ()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "forbidden",
    ["program", "journal_dir", "if_match_endpoints", "webhook", "sources_off", "endpoint", "token_host", "operator"],
)
def test_a_repository_sets_no_program_endpoint_webhook_or_token_host(checkout: Path, forbidden: str) -> None:
    write_repository(checkout, f'read_only = false\n\n{forbidden} = "x"\n')
    with pytest.raises(SettingsFileError, match=rf"config\.toml:3: {forbidden} is not a setting here"):
        read_settings(checkout)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("read_only = maybe\n", r"config\.toml:1:\d+: "),
        ('\nread_only = "yes"\n', r"config\.toml:2: read_only: Expected `bool`"),
        ("plan_args = [1]\n", r"config\.toml:1: plan_args: "),
        ("[keymap]\nx = 1\n", r"config\.toml:1: keymap: "),
        ("[colours]\n", r"config\.toml:1: colours is not a setting here; there are: if_match_endpoints, "),
    ],
)
def test_a_mistake_is_told_with_file_and_line(text: str, message: str) -> None:
    write_user(text)
    with pytest.raises(SettingsFileError, match=message):
        read_settings(None)


@pytest.mark.usefixtures("home")
def test_a_file_that_is_no_text_is_told() -> None:
    (config_directory() / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsFileError, match="is not UTF-8"):
        read_settings(None)


def test_what_is_trusted_survives_a_damaged_file(home: Path) -> None:
    file = home / "file"
    file.write_text("x")
    remembered = home / "trusted.json"
    remembered.write_text("not json")
    trust = Trust(remembered)
    assert not trust.trusts(file)
    trust.add({file: content_hash(file) or ""})
    assert trust.trusts(file)
    assert remembered.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_not_there_is_not_trusted(home: Path) -> None:
    assert Trust(home / "trusted.json").untrusted([str(home / "gone")]) == (str(home / "gone"),)
