"""A practice terraform: enough of one to practise on where there is none. It works on the practice AWS only.

It is no Terraform: it reads only what the practice repository and this tool write, knows one kind of resource, and
speaks the lock protocol of `practice_lock`. `version` says what it is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tuirunbook.training.checkout import state_bytes
from tuirunbook.training.place import PRACTICE_TERRAFORM
from tuirunbook.training.practice_lock import VERSION, Backend
from tuirunbook.training.practice_words import Refused, TerraformError, lock_info

_SETTING = re.compile(r'^\s*(\w+)\s*=\s*(?:"([^"]*)"|(true|false))\s*$', re.MULTILINE)
_BACKEND = re.compile(r'backend "s3" \{(.*?)\n  \}', re.DOTALL)
_RESOURCE = re.compile(r'^resource "terraform_data" "(\w+)" \{$(.*?)^\}$', re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r'^\s*command\s*=\s*"(.*)"\s*$', re.MULTILINE)
_FILE = re.compile(r'file\("\$\{path\.module\}/([\w.]+)"\)')
_NOTE = """\

─────────────────────────────────────────────────────────────────────────────

Note: You didn't use the -out option to save this plan, so Terraform can't
guarantee to take exactly these actions if you run "terraform apply" now.
"""
_CLEAN = """
No changes. Your infrastructure matches the configuration.

Terraform has compared your real infrastructure against your configuration
and found no differences, so no changes are needed.
"""


class Module:
    """The root module in the current directory."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._data = Path(environ.get("TF_DATA_DIR") or ".terraform")
        self._text = "\n".join(path.read_text("utf-8") for path in sorted(Path().glob("*.tf")))
        document = Path("main.tf.json")
        self._json: dict[str, Any] = json.loads(document.read_bytes()) if document.exists() else {}

    def init(self) -> None:
        """Keep the backend's settings, as `terraform init` does."""
        settings = self._declared()
        self._data.mkdir(parents=True, exist_ok=True)
        kept = {
            "version": 3,
            "terraform_version": VERSION,
            "backend": {"type": "s3", "config": settings, "hash": 1},
        }
        (self._data / "terraform.tfstate").write_text(json.dumps(kept, indent=2), encoding="utf-8")

    def _declared(self) -> dict[str, Any]:
        if self._json:
            backend = self._json["terraform"]["backend"]["s3"]
            return dict(backend[0] if isinstance(backend, list) else backend)
        block = _BACKEND.search(self._text)
        if block is None:
            raise TerraformError("Error: this practice terraform found no S3 backend here")
        return {name: word == "true" if word else text for name, text, word in _SETTING.findall(block[1])}

    def backend(self) -> Backend:
        """The stores, once initialised."""
        try:
            kept = json.loads((self._data / "terraform.tfstate").read_bytes())
        except OSError:
            raise TerraformError(
                'Error: Backend initialization required, please run "terraform init"\n\n'
                'Reason: Initial configuration of the requested backend "s3"'
            ) from None
        return Backend(kept["backend"]["config"], self.workspace, self._environ)

    @property
    def workspace(self) -> str:
        """The selected workspace."""
        if named := self._environ.get("TF_WORKSPACE"):
            return named
        chosen = self._data / "environment"
        return chosen.read_text("ascii").strip() if chosen.exists() else "default"

    def select(self, workspace: str) -> None:
        """Select a workspace."""
        (self._data / "environment").write_text(workspace, encoding="ascii")

    @property
    def resources(self) -> dict[str, str]:
        """The resources, each with the command that creating it runs, or empty."""
        found: dict[str, str] = {}
        for name, body in _RESOURCE.findall(self._text):
            command = _COMMAND.search(body)
            found[name] = command[1] if command else ""
        return found

    def read_files(self) -> None:
        """What the configuration reads; it waits where that has no end yet."""
        for name in _FILE.findall(self._text):
            Path(name).read_text("utf-8")

    def require_variables(self) -> None:
        """Stop at a variable that has no value.

        Raises:
            TerraformError: There is one.
        """
        variables: Any = self._json.get("variable", {})
        for name, given in variables.items() if isinstance(variables, dict) else ():
            body = given[0] if isinstance(given, list) else given
            if "default" not in body:
                raise TerraformError(
                    "Error: No value for required variable\n\n"
                    f'  on main.tf.json:\n\nThe root module input variable "{name}" is not set, and has no default\n'
                    "value. Use a -var or -var-file command line argument to provide a value for\nthis variable."
                )


def plan(module: Module, arguments: Sequence[str]) -> int:
    """Plan, under the lock."""
    _no(arguments, "-lock")
    backend = module.backend()
    lock = backend.lock("OperationTypePlan")
    failed: TerraformError | None = None
    try:
        module.require_variables()
        module.read_files()
        _show_plan(module, _known(backend.state()))
    except TerraformError as error:
        failed = error
    backend.release(lock)
    if failed is not None:
        raise failed
    return 0


def _show_plan(module: Module, known: Sequence[str]) -> tuple[list[str], list[str]]:
    new = [name for name in module.resources if name not in known]
    old = [name for name in known if name not in module.resources]
    for name in known:
        _say(f"terraform_data.{name}: Refreshing state... [id={name}]")
    if not new and not old:
        _say(_CLEAN, end="")
        return new, old
    signs = [*(["  + create"] if new else []), *(["  - destroy"] if old else [])]
    _say("\nTerraform used the selected providers to generate the following execution")
    _say("plan. Resource actions are indicated with the following symbols:")
    _say("\n".join(signs) + "\n\nTerraform will perform the following actions:\n")
    for name in new:
        _say(f'  # terraform_data.{name} will be created\n  + resource "terraform_data" "{name}" {{')
        _say(f'      + id     = (known after apply)\n      + input  = "{name}"')
        _say("      + output = (known after apply)\n    }\n")
    for name in old:
        _say(f'  # terraform_data.{name} will be destroyed\n  - resource "terraform_data" "{name}" {{}}\n')
    _say(f"Plan: {len(new)} to add, 0 to change, {len(old)} to destroy.")
    _say(_NOTE, end="")
    return new, old


def apply(module: Module, arguments: Sequence[str]) -> int:
    """Apply, under the lock; for the practice world's own use."""
    _no(arguments, "-lock")
    backend = module.backend()
    lock = backend.lock("OperationTypeApply")
    failed: TerraformError | None = None
    try:
        state = backend.state()
        new, _ = _show_plan(module, _known(state))
        for name in new:
            _create(name, module.resources[name])
        backend.write(state_bytes(module.resources, int(state.get("serial", 0)) + 1))
    except TerraformError as error:
        failed = error
    backend.release(lock)
    if failed is not None:
        raise failed
    _say(f"\nApply complete! Resources: {len(new)} added, 0 changed, 0 destroyed.")
    return 0


def _create(name: str, command: str) -> None:
    _say(f"terraform_data.{name}: Creating...")
    if command:
        done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, check=False)  # noqa: S603 - ours
        if done.returncode:
            raise TerraformError(f"Error: local-exec provisioner error\n\n{command!r} ended with {done.returncode}")
    _say(f"terraform_data.{name}: Creation complete after 0s [id={name}]")


def force_unlock(module: Module, arguments: Sequence[str]) -> int:
    """Release a lock by its ID."""
    _no(arguments, "-lock")
    ids = [argument for argument in arguments if not argument.startswith("-")]
    if len(ids) != 1:
        sys.stderr.write("Expected a single argument: LOCK_ID\n")
        return 1
    if "-force" not in arguments:
        _say("Do you really want to force-unlock?\n  Terraform will remove the lock on the remote state.")
        _say("  This will allow local Terraform commands to modify this state, even though it")
        _say("  may still be in use. Only 'yes' will be accepted to confirm.\n\n  Enter a value: \n")
        answer = sys.stdin.readline()
        if not answer:
            sys.stderr.write("Error asking for confirmation: EOF\n")
            return 1
        if answer.strip() != "yes":
            _say("force-unlock cancelled.")
            return 1
    try:
        module.backend().unlock(ids[0])
    except Refused as refused:
        block = f"\n{lock_info(refused.lock)}" if refused.lock else ""
        sys.stderr.write(f"Failed to unlock state: {refused}{block}\n")
        return 1
    _say("Terraform state has been successfully unlocked!\n")
    _say("The state has been unlocked, and Terraform commands should now be able to")
    _say("obtain a new lock on the remote state.")
    return 0


def state(module: Module, arguments: Sequence[str]) -> int:
    """List the state's resources."""
    if arguments[:1] != ["list"]:
        raise TerraformError("Error: this practice terraform knows `state list` only")
    told = module.backend().state()
    if not told:
        sys.stderr.write("No state file was found!\n")
        return 1
    for name in sorted(_known(told)):
        _say(f"terraform_data.{name}")
    return 0


def workspace(module: Module, arguments: Sequence[str]) -> int:
    """List, show, select or make a workspace."""
    verb, *rest = [argument for argument in arguments if not argument.startswith("-")] or ["show"]
    if verb == "show":
        _say(module.workspace)
    elif verb == "list":
        for name in module.backend().workspaces():
            _say(f"{'*' if name == module.workspace else ' '} {name}")
        _say("")
    elif verb in {"select", "new"} and rest:
        module.select(rest[0])
        _say(f'Switched to workspace "{rest[0]}".')
    else:
        raise TerraformError(f"Error: this practice terraform knows no `workspace {verb}`")
    return 0


def init(module: Module, arguments: Sequence[str]) -> int:
    """Initialise the backend."""
    del arguments
    module.init()
    module.backend().workspaces()
    _say("Initializing the backend...\n")
    _say('Successfully configured the backend "s3"! Terraform will automatically')
    _say("use this backend unless the backend configuration changes.")
    _say("Initializing provider plugins...\n- terraform.io/builtin/terraform is built in to Terraform\n")
    _say("Terraform has been successfully initialized!")
    return 0


def version(module: Module, arguments: Sequence[str]) -> int:
    """Say what this is."""
    del module
    if "-json" in arguments:
        told = {"terraform_version": VERSION, "platform": PRACTICE_TERRAFORM, "provider_selections": {}}
        _say(json.dumps(told, indent=2))
    else:
        _say(f"Terraform v{VERSION} ({PRACTICE_TERRAFORM}, not HashiCorp's)")
    return 0


COMMANDS: Mapping[str, Callable[[Module, Sequence[str]], int]] = {
    "apply": apply,
    "force-unlock": force_unlock,
    "init": init,
    "plan": plan,
    "state": state,
    "version": version,
    "workspace": workspace,
}


def _known(told: Mapping[str, Any]) -> list[str]:
    return [str(one["name"]) for one in told.get("resources", ())]


def _no(arguments: Sequence[str], flag: str) -> None:
    if any(argument.startswith(flag) for argument in arguments):
        raise TerraformError(f"Error: {flag} is not in this practice terraform")


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def main() -> int:
    """Run one command; its exit code."""
    command, *arguments = sys.argv[1:] or ["version"]
    if command in {"-version", "--version"}:
        command = "version"
    if command not in COMMANDS:
        sys.stderr.write(f"{PRACTICE_TERRAFORM} has no command {command!r}; there are: {', '.join(COMMANDS)}\n")
        return 1
    try:
        return COMMANDS[command](Module(os.environ), arguments)
    except TerraformError as error:
        sys.stdout.flush()
        sys.stderr.write(f"\n{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
