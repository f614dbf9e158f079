"""The commands that are copied for somebody else to run."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tests.support.incidents import A
from tests.support.views import ROOT, view_after
from tuirunbook.core.backend import RootModule
from tuirunbook.core.runbook import Action
from tuirunbook.tui.doing.copying import copy_command
from tuirunbook.tui.doing.disabled import why_not
from tuirunbook.tui.doing.stage import Stage
from tuirunbook.tui.view import View

HOSTILE = "x&reboot&"
INIT = "cd '/infra/my net' && TF_DATA_DIR=/data tofu init '-backend-config=a b'"


class Scene:
    """A stage at one step of a walk, with a program of its own."""

    def __init__(self, action: Action, **root: Any) -> None:
        self._action = action
        self._root: RootModule = msgspec.structs.replace(ROOT, **root)
        terraform = SimpleNamespace(
            program="/opt/my tofu",
            init_command=lambda: INIT,
            plan_argv=lambda extra: ("/opt/my tofu", "plan", "-no-color", *extra),
        )
        self.session = SimpleNamespace(world=SimpleNamespace(terraform=terraform, plan_args=("-var=a=b c",)))
        self.copied: list[str] = []
        self.said = ""

    @property
    def view(self) -> View:
        view = view_after()
        shown = next(index for index, state in enumerate(view.steps) if state.step.action is self._action)
        return dataclasses.replace(view, shown=shown, root=self._root)

    def copy(self, text: str, what: str) -> None:
        assert what.partition("   (")[0] in text
        self.said = what
        self.copied.append(text)

    def copies(self) -> str:
        asyncio.run(copy_command(cast("Stage", self)))
        (text,) = self.copied
        return text


def test_a_workspace_that_is_a_shell_line_stays_a_name() -> None:
    text = Scene(Action.FORCE_UNLOCK, workspace=HOSTILE, data_dir="/data & more").copies()
    assert shlex.split(text) == [
        *("cd", ROOT.directory, "&&", "TF_DATA_DIR=/data & more", f"TF_WORKSPACE={HOSTILE}"),
        *("/opt/my tofu", "force-unlock", A),
    ]
    assert f"TF_WORKSPACE='{HOSTILE}'" in text


def test_a_plan_is_copied_with_the_program_and_arguments_that_we_would_use() -> None:
    text = Scene(Action.RETRY_PLAN, initialised=True).copies()
    assert text == f"cd {ROOT.directory} && '/opt/my tofu' plan -no-color '-var=a=b c'"


def test_where_init_comes_first_its_line_is_copied_as_it_is() -> None:
    assert Scene(Action.RETRY_PLAN).copies() == INIT


def test_step_3_copies_what_shows_whether_the_holder_lives_and_says_where_to_run_it() -> None:
    scene = Scene(Action.RULE_OUT)
    assert scene.copies() == "pgrep -af 'terraform|tofu|terragrunt'"
    assert "(to run on ci-7, where the holder ran)" in scene.said


def test_step_5_copies_the_state_list() -> None:
    assert Scene(Action.PREPARE).copies() == f"cd {ROOT.directory} && '/opt/my tofu' state list"


def test_a_step_without_a_command_says_why_before_it_is_asked_for() -> None:
    view = Scene(Action.PREVENT).view
    assert why_not("copy", view) == "There is nothing to run in this step: no hold is to be undone."


def test_a_release_that_the_tool_would_refuse_is_copied_with_what_stands_against_it() -> None:
    scene = Scene(Action.FORCE_UNLOCK)
    scene.copies()
    assert "the tool would not send it now: not answered for lock 3f8f3f8f: CI" in scene.said
