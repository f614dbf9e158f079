"""A git checkout on disk, written file by file."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tuirunbook import repository
from tuirunbook.core.backend import RootModule


class Checkout:
    """A real git work tree; paths are relative to its top."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.environ: dict[str, str] = {}
        top.mkdir()
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(top)], check=True)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def backend(self, body: str, name: str = "backend.tf", kind: str = "s3") -> Path:
        return self.write(name, f'terraform {{\n  backend "{kind}" {{\n{body}\n  }}\n}}\n')

    def save(
        self, config: Mapping[str, object], directory: str = ".", kind: str = "s3", data_dir: str = ".terraform"
    ) -> Path:
        document = {
            "version": 3,
            "terraform_version": "1.11.4",
            "backend": {"type": kind, "config": {"acl": None, **config}, "hash": 2907760179},
        }
        return self.write(f"{directory}/{data_dir}/terraform.tfstate", json.dumps(document, indent=2))

    def detect(self, start: str = ".", config: Sequence[str] = (), workspace: str | None = None) -> RootModule:
        return repository.detect(self.top / start, backend_config=config, workspace=workspace, environ=self.environ)

    def by_path(self, lock_path: str, start: str = ".") -> tuple[RootModule, ...]:
        return repository.detect_by_path(self.top / start, lock_path, environ=self.environ)

    def refused(self, start: str = ".", config: Sequence[str] = ()) -> repository.DetectionError:
        with pytest.raises(repository.DetectionError) as caught:
            self.detect(start, config)
        assert caught.value.sentence
        assert caught.value.next_step
        return caught.value


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path.resolve() / "infra")


@pytest.fixture
def terraform_init(tmp_path: Path) -> Callable[[Mapping[str, str]], dict[str, object] | None]:
    """Terraform's own reading of some files: what `init` saves for a local backend, or None where it refuses them."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("there is no terraform on PATH")

    def init(files: Mapping[str, str]) -> dict[str, object] | None:
        directory = tmp_path / "judged"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_bytes(text.encode())
        environ = {"PATH": str(Path(program).parent), "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
        ran = subprocess.run(
            [program, "init", "-input=false", "-no-color"],
            cwd=directory,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            return None
        saved = json.loads((directory / ".terraform" / "terraform.tfstate").read_text())
        return {name: value for name, value in saved["backend"]["config"].items() if value is not None}

    return init
