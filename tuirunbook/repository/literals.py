"""The values of a backend's body, read by python-hcl2, as Terraform would evaluate them without any variable.

A backend's arguments are constants: strings, also with constant templates (`"a/${1 + 1}"`), numbers, booleans, lists
and objects. Anything else (a variable, a local, a function) is an `Expression`, which only a saved configuration
resolves.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tuirunbook.repository.hcl import HclError, interpolation_end

_STRING_PARTS = re.compile(
    r"\\(?:u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<escape>[nrt\"\\]))"
    r"|(?P<literal>[$%])(?P=literal)\{|(?P<open>[$%]\{)"
)
_TEMPLATE_PARTS = re.compile(r"(?P<literal>[$%])(?P=literal)\{|(?P<open>[$%]\{)")
_ARITHMETIC = re.compile(r"[\d\s.eE+\-*/%()]+")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: math.fmod,
}
_NOT_ARGUMENTS = frozenset({"__is_block__", "__comments__"})


class Expression(msgspec.Struct, frozen=True):
    """A value that is not a constant; `why` says why not, where that is known.

    Its text stays in the file: it may hold anything.
    """

    why: str = ""


class _NotConstantError(Exception):
    """Part of a value is not a constant."""


def read_body(text: str) -> Mapping[str, object]:
    """The arguments of a body of HCL; comments must be blanked (`Outline.body`).

    Nested blocks read as objects. Arguments set to null are None.

    Raises:
        HclError: python-hcl2 cannot read it; line and column count from the text's first line.
    """
    return {name: _value(value) for name, value in _parse(text).items() if name not in _NOT_ARGUMENTS}


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    import hcl2  # noqa: PLC0415 - a tenth of a second that a saved configuration does not need
    from lark.exceptions import LarkError, UnexpectedInput  # noqa: PLC0415

    options = hcl2.SerializationOptions(with_comments=False)
    try:
        # python-hcl2 wants a line break at the end
        parsed: dict[str, Any] = hcl2.loads(text.rstrip() + "\n", serialization_options=options)
    except UnexpectedInput as error:
        line, column = max(error.line or 1, 1), max(error.column or 1, 1)
        raise HclError("this is not HCL", line=line, column=column) from None
    except (LarkError, ValueError, RecursionError):
        raise HclError("this is not HCL", line=1, column=1) from None
    return parsed


def _value(value: object) -> object:
    try:
        return _constant(value)
    except (_NotConstantError, RecursionError):
        return Expression()


def _constant(value: object) -> object:
    match value:
        case str():
            return _text(value)
        case [{"__is_block__": True} as block]:
            return _constant(block)
        case list():
            return [_constant(inner) for inner in value]
        case dict():
            return {_key(name): _constant(inner) for name, inner in value.items() if name not in _NOT_ARGUMENTS}
        case _:
            return value


def _key(name: str) -> str:
    if name.startswith(("${", "(")):
        raise _NotConstantError
    return str(_text(name)) if name.startswith('"') else name


def _text(source: str) -> object:
    """A value as python-hcl2 leaves it: `"…"` for a string, with its escapes, and `${…}` for an expression."""
    if source.startswith('"<<') and "\n" in source:
        return _heredoc(source.strip('"'))
    if source.startswith('"') and source.endswith('"') and len(source) > 1:
        return _template(source[1:-1], _STRING_PARTS)
    if source.startswith("${") and source.endswith("}"):
        return _expression(source[2:-1])
    raise _NotConstantError


def _heredoc(source: str) -> object:
    opening, *lines, _ = source.split("\n")
    if opening.startswith("<<-"):
        margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        lines = [line[margin:] for line in lines]
    return _template("".join(f"{line}\n" for line in lines), _TEMPLATE_PARTS)


def _template(text: str, parts: re.Pattern[str]) -> object:
    pieces: list[object] = []
    at = 0
    while match := parts.search(text, at):
        if match.start() > at:
            pieces.append(text[at : match.start()])
        at = match.end()
        groups = match.groupdict()
        if groups["open"]:
            if groups["open"] == "%{":
                raise _NotConstantError
            at = _end(text, match.start())
            pieces.append(_expression(text[match.end() : at - 1].strip("~")))
        elif groups["literal"]:
            pieces.append(groups["literal"] + "{")
        else:
            pieces.append(_escape(groups))
    if at < len(text):
        pieces.append(text[at:])
    if len(pieces) == 1 and not isinstance(pieces[0], str):
        return pieces[0]
    return "".join(_as_text(piece) for piece in pieces)


def _end(text: str, start: int) -> int:
    try:
        return interpolation_end(text, start)
    except ValueError:
        raise _NotConstantError from None


def _escape(groups: Mapping[str, str | None]) -> str:
    code = groups["u"] or groups["U"]
    if code:
        try:
            return chr(int(code, 16))
        except (ValueError, OverflowError):
            raise _NotConstantError from None
    return _ESCAPES[groups["escape"] or ""]


def _expression(source: str) -> object:
    source = source.strip()
    if source in {"true", "false"}:
        return source == "true"
    if len(source) > 1 and source[0] == source[-1] == '"':
        return _template(source[1:-1], _STRING_PARTS)
    if source.startswith("(") and source.endswith(")") and not _ARITHMETIC.fullmatch(source):
        return _expression(source[1:-1])
    if not _ARITHMETIC.fullmatch(source):
        raise _NotConstantError
    try:
        return _number(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, MemoryError):
        raise _NotConstantError from None


def _number(node: ast.expr) -> float:
    """Arithmetic on numbers, and nothing else."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            result = _OPERATORS[type(op)](_number(left), _number(right))
            return int(result) if result == int(result) else result
        case _:
            raise _NotConstantError


def _as_text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case _:
            raise _NotConstantError
