"""What `init` left in the data directory: the saved backend configuration and the selected workspace.

Terraform uses the saved configuration, not the files, as long as its hash fits; values from `-backend-config` are
nowhere else. Source: Terraform `command/workdir/backend_state.go`, `command/meta.go`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tuirunbook.core.address import DEFAULT_WORKSPACE
from tuirunbook.core.workspace import is_workspace
from tuirunbook.repository.errors import DetectionError

SAVED_FILE = "terraform.tfstate"


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """A saved backend configuration: its type, and what is set."""

    type: str
    arguments: Mapping[str, object]

    def __repr__(self) -> str:
        return f"Saved(type={self.type!r})"


def data_directory(directory: Path, environ: Mapping[str, str]) -> Path:
    """The absolute data directory of a root module: `TF_DATA_DIR`, seen from the root, or `.terraform`."""
    return directory / (environ.get("TF_DATA_DIR") or ".terraform")


def own_data_directory(environ: Mapping[str, str]) -> str | None:
    """The data directory's name below each root, or None where `TF_DATA_DIR` is the same place for all."""
    name = environ.get("TF_DATA_DIR") or ".terraform"
    return None if Path(name).is_absolute() else name


def read_saved(data_dir: Path) -> Saved | None:
    """The saved configuration, or None where there is none (or only the local backend's nothing).

    Raises:
        DetectionError: It is there and cannot be read.
    """
    path = data_dir / SAVED_FILE
    try:
        document = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise _unreadable(path, "it is not JSON", line) from None
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not an object")
    backend = document.get("backend")
    if not isinstance(backend, dict):
        store = isinstance(document.get("state_store"), dict)
        return Saved(type="state_store", arguments={}) if store else None
    name, config = backend.get("type"), backend.get("config")
    if not isinstance(name, str) or not name:
        raise _unreadable(path, "it names no backend type")
    arguments = config if isinstance(config, dict) else {}
    return Saved(type=name, arguments={key: value for key, value in arguments.items() if value is not None})


def selected_workspace(data_dir: Path, given: str | None, environ: Mapping[str, str], shown_as: str) -> tuple[str, str]:
    """The workspace in effect, and where it came from. `shown_as` is how the data directory is called.

    Raises:
        DetectionError: The name is not one that Terraform accepts, or the selection cannot be read.
    """
    path = data_dir / "environment"
    if given is not None:
        name, origin = given, "--workspace"
    elif environ.get("TF_WORKSPACE"):
        name, origin = environ["TF_WORKSPACE"], "TF_WORKSPACE"
    else:
        try:
            name, origin = path.read_text("utf-8").strip(), f"{shown_as}/environment"
        except (FileNotFoundError, NotADirectoryError):
            name, origin = "", ""
        except (OSError, UnicodeDecodeError):
            raise DetectionError(
                "the selected workspace cannot be read.", "Say which one with --workspace.", file=str(path)
            ) from None
        if not name:
            return DEFAULT_WORKSPACE, "default"
    if not is_workspace(name):
        raise DetectionError(
            f"{name!r} (from {origin}) is not a workspace that Terraform could have made.",
            "Say which one with --workspace; `terraform workspace list` shows them.",
        )
    return name, origin


def _unreadable(path: Path, why: str, line: int | None = None) -> DetectionError:
    return DetectionError(
        f"the saved backend configuration cannot be read ({why}).",
        "Run `init` again when nobody needs the old one, or give --bucket and --key to look at the lock without it.",
        file=str(path),
        line=line,
    )
