"""What the settings say about holders: who may say it, and when it counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuirunbook.core.holder import Platform
from tuirunbook.settings import SettingsFileError, Trust, config_directory, content_hash, read_settings

RULE = """
[[who]]
matches = "*@terraformer-*"
platform = "kubernetes"
says = "the terraformer deployment"
context = "prod"
namespace = "infra"
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("HOME", str(tmp_path))
    config_directory().mkdir(parents=True)
    (tmp_path / "checkout" / ".tflock").mkdir(parents=True)
    return tmp_path / "checkout"


def write(checkout: Path, text: str) -> Path:
    file = checkout / ".tflock" / "config.toml"
    file.write_text(text)
    return file


def test_a_user_says_where_holders_live(checkout: Path) -> None:
    (config_directory() / "config.toml").write_text(RULE)
    (rule,) = read_settings(checkout).who
    assert (rule.platform, rule.context, rule.namespace) == (Platform.KUBERNETES, "prod", "infra")


def test_a_repository_says_it_only_once_it_is_trusted(checkout: Path) -> None:
    file = write(checkout, RULE)
    settings = read_settings(checkout)
    assert settings.who == ()
    assert settings.ignored.startswith("who in ")
    Trust.default().add({file: content_hash(file) or ""})
    assert len(read_settings(checkout).who) == 1


def test_a_users_word_comes_before_the_repositorys(checkout: Path) -> None:
    (config_directory() / "config.toml").write_text(RULE.replace("prod", "mine"))
    Trust.default().add({(file := write(checkout, RULE)): content_hash(file) or ""})
    assert [rule.context for rule in read_settings(checkout).who] == ["mine", "prod"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            RULE.replace("namespace", "kubeconfig"),
            r"config\.toml:7: kubeconfig is not a setting here; there are: account",
        ),
        (RULE + 'program = "sh"\n', "program is not a setting here"),
        (RULE + 'endpoint = "https://x"\n', "endpoint is not a setting here"),
        (RULE.replace('"kubernetes"', '"moon"'), r"config\.toml:2: who: Invalid enum value 'moon'"),
        ('[[who]]\nsays = "x"\n', r"config\.toml:1: who: .*`matches`"),
    ],
)
def test_a_mistake_is_told_and_no_program_or_endpoint_can_be_named(checkout: Path, text: str, message: str) -> None:
    write(checkout, text)
    with pytest.raises(SettingsFileError, match=message):
        read_settings(checkout)
