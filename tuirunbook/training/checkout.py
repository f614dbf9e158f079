"""The practice repository: generated Terraform, with a history and its authors, made by one run of git."""

from __future__ import annotations

import hashlib
import json
import subprocess
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from tuirunbook.core.scenario import Mode, PracticeRoot, Scenario

BUCKET = "acme-practice-tfstate"
TABLE = "acme-practice-tflock"
_AUTHORS = (
    ("Ines Okafor", "ines@acme.example", "Add VPC and subnets"),
    ("Kim Duarte", "kim@acme.example", "Move the state to S3 and lock it"),
    ("Ines Okafor", "ines@acme.example", "Route through the new gateway"),
    ("Kim Duarte", "kim@acme.example", "Add what this week's ticket asks for"),
)
_WORKFLOW = """\
name: terraform
on:
  push: {branches: [main]}
jobs:
  apply:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: terraform -chdir=${{ matrix.root }} init -input=false
      - run: terraform -chdir=${{ matrix.root }} apply -input=false -auto-approve
"""


class Commit(msgspec.Struct, frozen=True):
    """One commit: who, when, why, and all files as they are afterwards."""

    name: str
    email: str
    when: datetime
    message: str
    files: Mapping[str, str]


def write_repository(directory: Path, scenario: Scenario, endpoint: str, environ: Mapping[str, str]) -> None:
    """Write the checkout, with its history where git is there and without where it is not."""
    commits = tuple(_commits(scenario, endpoint, datetime.now(UTC)))
    directory.mkdir(parents=True)
    try:
        _git(directory, environ, "init", "-q", "-b", "main", ".")
        _git(directory, environ, "fast-import", "--quiet", stdin=_stream(commits))
        _git(directory, environ, "reset", "-q", "--hard", "main")
    except (OSError, subprocess.CalledProcessError):
        for path, text in commits[-1].files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def _commits(scenario: Scenario, endpoint: str, now: datetime) -> Iterable[Commit]:
    for number, (name, email, message) in enumerate(_AUTHORS):
        last = number == len(_AUTHORS) - 1
        files = {"README.md": "# infrastructure (practice)\n", ".gitignore": ".terraform/\n*.tfstate*\n"}
        if number:
            files[".github/workflows/terraform.yml"] = _WORKFLOW
            files["CODEOWNERS"] = "* kim@acme.example\n"
        for root in scenario.roots:
            files[f"{root.name}/backend.tf"] = backend_text(root, scenario.mode, endpoint)
            files[f"{root.name}/main.tf"] = resources_text(root, new=last)
        yield Commit(name, email, now - timedelta(days=9 * (len(_AUTHORS) - number) - 8.9), message, files)


def _stream(commits: Iterable[Commit]) -> bytes:
    """The commits as `git fast-import` reads them."""
    parts: list[bytes] = []
    for commit in commits:
        who = f"{commit.name} <{commit.email}> {int(commit.when.timestamp())} +0000"
        message = commit.message.encode()
        parts.append(f"commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {len(message)}\n".encode())
        parts.append(message + b"\n")
        for path, text in commit.files.items():
            content = text.encode()
            parts.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
    return b"".join(parts)


def _git(directory: Path, environ: Mapping[str, str], *arguments: str, stdin: bytes | None = None) -> None:
    subprocess.run(  # noqa: S603 - an argument list of ours
        ["git", *arguments],  # noqa: S607 - the git on PATH is the one meant
        cwd=directory,
        env=dict(environ),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=True,
        timeout=20,
    )


def state_key(root: PracticeRoot) -> str:
    """The key that the backend of a root module names."""
    return f"{root.name}/terraform.tfstate"


def backend_text(root: PracticeRoot, mode: Mode, endpoint: str) -> str:
    """Its `backend.tf`."""
    locking = ""
    if mode is not Mode.LOCKFILE:
        locking += f'    dynamodb_table = "{TABLE}"\n'
    if mode is not Mode.DYNAMODB:
        locking += "    use_lockfile   = true\n"
    endpoints = "\n".join(f'      {name:<8} = "{endpoint}"' for name in ("s3", "dynamodb", "sts", "iam"))
    return (
        'terraform {\n  backend "s3" {\n'
        f'    bucket         = "{BUCKET}"\n    key            = "{state_key(root)}"\n'
        f'    region         = "eu-west-1"\n{locking}    use_path_style = true\n'
        f"    endpoints = {{\n{endpoints}\n    }}\n  }}\n}}\n"
    )


def resources_text(root: PracticeRoot, *, new: bool = True, more: Iterable[str] = ()) -> str:
    """Its `main.tf`. What the newest commit adds waits at a gate when it is applied, as something slow would."""
    parts = [_resource(name) for name in (*root.has, *more)]
    make = f"practice-bucket {root.creates} && " if root.creates else ""
    provisioner = f'  provisioner "local-exec" {{\n    command = "{make}practice-gate"\n  }}\n'
    parts += [_resource(name, provisioner) for name in (root.adds if new else ())]
    return "\n".join(parts)


def _resource(name: str, inside: str = "") -> str:
    return f'resource "terraform_data" "{name}" {{\n  input = "{name}"\n{inside}}}\n'


def state_bytes(resources: Iterable[str], serial: int) -> bytes:
    """A state as Terraform writes it, that knows these resources."""
    value: dict[str, Any] = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": "5f0c2b7e-8d51-4c7a-9d3c-7a2f0be4c9aa",
        "outputs": {},
        "resources": [_instance(name) for name in resources],
        "check_results": None,
    }
    return (json.dumps(value, indent=2) + "\n").encode()


def _instance(name: str) -> dict[str, Any]:
    typed = {"value": name, "type": "string"}
    known = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "input": typed,
        "output": typed,
        "triggers_replace": None,
    }
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": name,
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": known, "sensitive_attributes": []}],
    }


def digest(content: bytes) -> str:
    """What the table keeps beside a state: the MD5 of its bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
