"""The application in a real terminal, on real Terraform, against real locks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest

from tests.real.walking import Desk
from tests.support.stuck import Mode, PracticeRoot, practice_root

if TYPE_CHECKING:
    from tests.support.aws import EmbeddedAws

MakeDesk: TypeAlias = Callable[..., Desk]


@pytest.fixture
def make_desk(aws: EmbeddedAws, tmp_path: Path) -> Iterator[MakeDesk]:
    """Makes a root module, and a person's machine with it; closes what they leave open."""
    made: list[Desk] = []

    def make(mode: Mode = Mode.DYNAMODB, workspace: str = "default") -> Desk:
        root = practice_root(aws, tmp_path / "infra" / "network", mode)
        ask_for_account(root)
        if workspace != "default":
            root.terraform("workspace", "new", workspace)
            root = PracticeRoot(
                aws, root.directory, mode, workspace, root.arguments, s3=root.s3, dynamodb=root.dynamodb
            )
        home = tmp_path / "home"
        home.mkdir()
        made.append(Desk(root, home))
        return made[-1]

    yield make
    for desk in made:
        for terminal in desk.open_terminals:
            terminal.__exit__()


def ask_for_account(root: PracticeRoot) -> None:
    """Have the backend ask AWS for its account, as real ones do."""
    file = root.directory / "main.tf.json"
    module = json.loads(file.read_text())
    del module["terraform"]["backend"]["s3"]["skip_requesting_account_id"]
    del root.arguments["skip_requesting_account_id"]
    file.write_text(json.dumps(module))
    root.terraform("init", "-no-color", "-input=false", "-reconfigure")
