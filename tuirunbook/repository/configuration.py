"""The configuration files of one directory, and the backend block that they declare.

Follows Terraform's `configs/parser_config_dir.go` and `configs/module.go`: any file name counts, override files come
last and replace the block as a whole, and hidden, backup and editor files are left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tuirunbook.repository import quick
from tuirunbook.repository.errors import DetectionError
from tuirunbook.repository.hcl import HclError, Item, Outline
from tuirunbook.repository.literals import read_body

HCL_SUFFIXES = (".tf", ".tofu")
JSON_SUFFIXES = (".tf.json", ".tofu.json")
SUFFIXES = HCL_SUFFIXES + JSON_SUFFIXES
_NOT_READ = ".#"
"""What the names of hidden files and of editors' files begin with."""
_MENTIONS = (b"backend", b"cloud", b"state_store")
_OPENS_BACKEND = re.compile(
    rb"(?<![\w\"-])(?:backend|cloud|state_store)[^=\n{]*\{|\"(?:backend|cloud|state_store)\"\s*:"
)
_MOST_BYTES = 4 * 1024 * 1024
_MEND = "Mend the file, or give --bucket and --key to look at the lock without it."


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A backend, `cloud` or `state_store` block as a file declares it, its values not read yet.

    Attributes:
        type: The backend's name; `cloud` and `state_store` for those blocks.
        path: The file.
        line: The line of the block, from 1.
        body: Its body as HCL with comments blanked; None in a JSON file.
        body_line: The file's line that the body begins on.
        lines: The line of each argument of an HCL body.
        values: The arguments, where there is no such body: of a JSON file, and of a block that was plain to read.
        constant: Whether none of them is null or an expression.
    """

    type: str
    path: Path
    line: int
    body: str | None = None
    body_line: int = 1
    lines: Mapping[str, int] = {}
    values: Mapping[str, object] = {}
    constant: bool = False

    def arguments(self) -> Mapping[str, object]:
        """The arguments; an `Expression` where the value is not a constant.

        Raises:
            DetectionError: The body is not HCL.
        """
        if self.body is None:
            return self.values
        try:
            return read_body(self.body)
        except HclError as error:
            raise broken(self.path, error, self.body_line - 1) from None

    def origins(self, arguments: Iterable[str], directory: Path) -> dict[str, str]:
        """Where each of these arguments is set."""
        shown = relative(self.path, directory)
        return {name: f"{shown}:{self.lines.get(name, self.line)}" for name in arguments}

    def origin(self, argument: str, directory: Path) -> str:
        """Where an argument is set: `backend.tf:3`."""
        return f"{relative(self.path, directory)}:{self.lines.get(argument, self.line)}"


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration files of one directory say.

    Attributes:
        backend: The effective block, or None.
        files: How many configuration files there are.
        tofu: Whether some are OpenTofu's own.
        problems: Files that could not be read, and why.
        hidden_backend: Whether one of those seems to hold a backend block.
    """

    backend: Declared | None = None
    files: int = 0
    tofu: bool = False
    problems: tuple[DetectionError, ...] = ()
    hidden_backend: bool = False


def read_configuration(directory: Path) -> Configuration:
    """The directory's configuration files.

    A file that cannot be read is a problem, told beside what the others say.

    Raises:
        DetectionError: Several backends are declared, or the directory cannot be listed.
    """
    names = _names(directory)
    found: dict[str, list[Declared]] = {}
    problems: dict[str, DetectionError] = {}
    hidden = False
    for name in names:
        try:
            found[name] = _declared(directory / name)
        except _UnreadableError as error:
            problems[name] = error.problem
            hidden = hidden or error.hides_backend
    return combined(directory, names, found, problems, hidden=hidden)


def combined(
    directory: Path | str,
    names: Collection[str],
    found: Mapping[str, list[Declared]],
    problems: Mapping[str, DetectionError],
    *,
    hidden: bool,
) -> Configuration:
    """What the files of a directory say together: `found` in each file, or the problem that it has.

    Raises:
        DetectionError: Several backends are declared.
    """
    primary: list[Declared] = []
    override: Declared | None = None
    for name in sorted(found):
        if not _is_override(name):
            primary += found[name]
        elif found[name]:
            _refuse_several(found[name], directory)
            override = found[name][0]
    _refuse_several(primary, directory)
    return Configuration(
        backend=override or (primary[0] if primary else None),
        files=len(names),
        tofu=any(".tofu" in name for name in names),
        problems=tuple(problems[name] for name in sorted(problems, key=lambda name: (_is_override(name), name))),
        hidden_backend=hidden,
    )


def broken(path: Path, error: HclError, offset: int = 0) -> DetectionError:
    """The sentence for a file that is not HCL; `offset` lines stand before the text that was read."""
    return DetectionError(
        f"this file does not parse: {error.sentence}.",
        _MEND,
        file=str(path),
        line=error.line + offset,
        column=error.column,
    )


def read_text(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        DetectionError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DetectionError(
            f"this file cannot be read ({error.strerror or type(error).__name__}).",
            "Make it readable, or give --bucket and --key to look at the lock without it.",
            file=str(path),
        ) from None


def decode(path: Path, raw: bytes) -> str:
    """The file's text, without a byte order mark.

    Raises:
        DetectionError: It is not UTF-8.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DetectionError("this file is not UTF-8.", _MEND, file=str(path), line=line) from None


def parse_json(path: Path, text: str) -> Any:
    """A JSON file; an object's repeated names become one list.

    Raises:
        DetectionError: It is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_merge_repeated)
    except json.JSONDecodeError as error:
        raise DetectionError(
            "this file is not JSON.", _MEND, file=str(path), line=error.lineno, column=error.colno
        ) from None
    except RecursionError:
        raise DetectionError("this file is nested too deeply.", _MEND, file=str(path)) from None


def relative(path: Path, directory: Path | str) -> str:
    """`path` as seen from `directory`, where it lies at most three levels up; absolute otherwise."""
    inside, base = str(path), f"{directory}{os.sep}"
    if inside.startswith(base):
        return inside[len(base) :]
    seen = os.path.relpath(path, directory)
    return str(path) if seen.startswith("../../../../") else seen


class _UnreadableError(Exception):
    def __init__(self, problem: DetectionError, *, hides_backend: bool) -> None:
        self.problem = problem
        self.hides_backend = hides_backend
        super().__init__(str(problem))


def _names(directory: Path) -> list[str]:
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries if is_configuration(entry)]
    except OSError as error:
        raise DetectionError(
            f"the directory {directory} cannot be listed ({error.strerror or type(error).__name__}).",
            "Make it readable, or start in another one.",
        ) from None
    return unshadowed(names)


def unshadowed(names: list[str]) -> list[str]:
    """The files that count: `x.tofu` takes the place of `x.tf`."""
    shadowed = {name.replace(".tofu", ".tf") for name in names if ".tofu" in name}
    return [name for name in names if name not in shadowed] if shadowed else names


def is_configuration(entry: os.DirEntry[str]) -> bool:
    """Whether Terraform reads this file of a directory."""
    name = entry.name
    if not name.endswith(SUFFIXES) or name[0] in _NOT_READ:
        return False
    # a symlink to nowhere or to itself is told as unreadable: Terraform fails on it as well
    try:
        return entry.is_file() or (entry.is_symlink() and not entry.is_dir())
    except OSError:
        return True


def _is_override(name: str) -> bool:
    base = name.removesuffix(".json").rpartition(".")[0]
    return base == "override" or base.endswith("_override")


def _refuse_several(found: list[Declared], directory: Path | str) -> None:
    if len(found) > 1:
        places = " and ".join(f"{relative(one.path, directory)}:{one.line} (`{one.type}`)" for one in found)
        raise DetectionError(
            f"several backends are declared: {places}.",
            "Terraform accepts one; remove the others, or give --bucket and --key to look at the lock without them.",
            file=str(found[1].path),
            line=found[1].line,
        )


def _declared(path: Path) -> list[Declared]:
    raw = b""
    try:
        raw = read_text(path)
        return declared_in(path, raw)
    except DetectionError as error:
        raise _UnreadableError(error, hides_backend=hides_backend(raw)) from None


def hides_backend(raw: bytes) -> bool:
    """Whether a file that could not be read as HCL seems to hold a backend block; an unread one may."""
    return not raw or _OPENS_BACKEND.search(raw) is not None


def declared_in(path: Path, raw: bytes) -> list[Declared]:
    """The blocks that a file declares.

    Raises:
        DetectionError: It cannot be read as HCL or JSON.
    """
    if not any(mention in raw for mention in _MENTIONS):
        return []
    if path.name.endswith(JSON_SUFFIXES):
        return list(_in_json(path, parse_json(path, decode(path, raw))))
    return list(_in_hcl(path, raw))


def _in_hcl(path: Path, raw: bytes) -> Iterator[Declared]:
    plain = quick.blocks(raw)
    if plain is not None:
        for one in plain:
            yield Declared(
                type=one.type, path=path, line=one.line, lines=one.lines, values=one.arguments, constant=True
            )
        return
    if len(raw) > _MOST_BYTES:
        raise DetectionError(
            f"this file has {len(raw):,} bytes and is no plain list of blocks, so it was not read.",
            "Move the backend block into a file of its own, or give --bucket and --key.",
            file=str(path),
        )
    text = decode(path, raw)
    try:
        outline = Outline(text)
        for top in outline.items():
            if top.name == "terraform" and top.block:
                for block in outline.items(top):
                    if block.block and block.name in {"backend", "cloud", "state_store"}:
                        yield _from_block(path, outline, block)
    except HclError as error:
        raise broken(path, error) from None


def _from_block(path: Path, outline: Outline, block: Item) -> Declared:
    if len(block.labels) != (1 if block.name == "backend" else 0) and block.name != "state_store":
        expected = "one label, the backend's type" if block.name == "backend" else "no label"
        raise broken(
            path, HclError(f"this `{block.name}` block needs {expected}", line=block.line, column=block.column)
        )
    # the arguments of other blocks are not needed, and may hold what a backend's may not
    items = outline.items(block) if block.name == "backend" else []
    lines: dict[str, int] = {}
    for item in items:
        if item.name in lines and not item.block:
            raise broken(path, HclError(f"the argument `{item.name}` is set twice", line=item.line, column=item.column))
        lines.setdefault(item.name, item.line)
    return Declared(
        type=block.labels[0] if block.name == "backend" else block.name,
        path=path,
        line=block.line,
        body=outline.body(block) if block.name == "backend" else "",
        body_line=outline.body_line(block),
        lines=lines,
    )


def _in_json(path: Path, document: object) -> Iterator[Declared]:
    for top in _objects(document):
        for terraform in _objects(top.get("terraform")):
            for backends in _objects(terraform.get("backend")):
                for name, bodies in backends.items():
                    if name != "//":
                        for body in _objects(bodies):
                            yield Declared(type=name, path=path, line=1, values=json_arguments(body))
            for name in ("cloud", "state_store"):
                for _ in _objects(terraform.get(name)):
                    yield Declared(type=name, path=path, line=1)


def json_arguments(body: Mapping[str, object]) -> dict[str, object]:
    """The arguments of a JSON body: templates are plain text there [measured, Terraform 1.11.4]; `//` is a comment."""
    return {name: value for name, value in body.items() if name != "//"}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


class _Repeated(list[object]):
    """The values of a name that an object repeats."""


def _merge_repeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    merged: dict[str, object] = {}
    for name, value in pairs:
        if name not in merged:
            merged[name] = value
        elif isinstance(before := merged[name], _Repeated):
            before.append(value)
        else:
            merged[name] = _Repeated((before, value))
    return merged
