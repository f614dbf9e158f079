"""Finds IAM policies in a repository's files: JSON documents, `aws_iam_policy_document`, and JSON within HCL."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tuirunbook.core.policies import Statement
from tuirunbook.core.text import one_line

_WORTH = re.compile(r"PutItem|PutObject|dynamodb:\*|s3:\*|s3:Put\*|dynamodb:Put\*|\"\*\"|DeleteItem|DeleteObject")
_DEEPEST = 30

Policy = tuple[str, tuple[Statement, ...]]


def policies_in(path: str, text: str) -> Iterator[Policy]:
    """The policies of one file with their places; a file that cannot be read has none."""
    if not _WORTH.search(text) or "tatement" not in text:
        return
    if path.endswith(".json"):
        yield from _documents(path, _json(text), 0)
        return
    node = _hcl(text)
    for block in node.get("data", []) if isinstance(node.get("data"), list) else []:
        for name, body in _labelled(block, "aws_iam_policy_document"):
            statements = tuple(_from_hcl(one) for one in _many(body.get("statement")) if isinstance(one, Mapping))
            yield f"{path} ({name})", statements
    for expression in _strings(node, 0):
        yield from _within(path, expression)


def _labelled(block: Any, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(block, Mapping):
        return
    for label, inner in block.items():
        if _unquoted(label) == kind and isinstance(inner, Mapping):
            yield from ((_unquoted(name), body) for name, body in inner.items() if isinstance(body, Mapping))


def _within(path: str, expression: str) -> Iterator[Policy]:
    """The policies in an expression: `jsonencode({…})`, or a heredoc of JSON."""
    if "jsonencode(" in expression:
        inner = expression[expression.index("jsonencode(") + len("jsonencode(") : expression.rindex(")")]
        node = _hcl(f"x = {inner}\n").get("x")
        yield from _documents(path, _plain(node, 0), 0)
    elif "<<" in expression or expression.lstrip('"').lstrip().startswith("{"):
        start, end = expression.find("{"), expression.rfind("}")
        yield from _documents(path, _json(expression[start : end + 1]), 0) if start >= 0 else ()


def _documents(path: str, node: Any, depth: int) -> Iterator[Policy]:
    """Every policy document at any depth: something with a `Statement` whose members have an `Effect`."""
    if depth > _DEEPEST:
        return
    if isinstance(node, Mapping):
        statements = [one for one in _many(node.get("Statement")) if isinstance(one, Mapping)]
        if any("Action" in one or "NotAction" in one for one in statements):
            yield path, tuple(_from_json(one) for one in statements)
        for value in node.values():
            yield from _documents(path, value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _documents(path, value, depth + 1)


def _from_json(node: Mapping[str, Any]) -> Statement:
    return Statement(
        allows=node.get("Effect", "Allow") == "Allow",
        actions=_texts(node.get("Action")),
        not_actions=_texts(node.get("NotAction")),
        resources=_texts(node.get("Resource")),
    )


def _from_hcl(node: Mapping[str, Any]) -> Statement:
    plain = _plain(node, 0)
    return Statement(
        allows=plain.get("effect", "Allow") == "Allow",
        actions=_texts(plain.get("actions")),
        not_actions=_texts(plain.get("not_actions")),
        resources=_texts(plain.get("resources")),
    )


def _plain(node: Any, depth: int) -> Any:
    """What python-hcl2 returns, with its quotes taken off; what is no constant stays in `${…}`."""
    if depth > _DEEPEST:
        return None
    if isinstance(node, Mapping):
        return {_unquoted(str(name)): _plain(value, depth + 1) for name, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, depth + 1) for value in node]
    return _unquoted(node) if isinstance(node, str) else node


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text.startswith('"') and text.endswith('"') else text


def _texts(node: Any) -> tuple[str, ...]:
    return tuple(one_line(one, 1_000) for one in _many(node) if isinstance(one, str))


def _many(node: Any) -> list[Any]:
    return node if isinstance(node, list) else [] if node is None else [node]


def _strings(node: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(node, str):
        if "tatement" in node:
            yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _strings(value, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value, depth + 1)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _hcl(text: str) -> Mapping[str, Any]:
    import hcl2  # noqa: PLC0415 - a tenth of a second
    from lark.exceptions import LarkError  # noqa: PLC0415 - likewise

    try:
        parsed: Mapping[str, Any] = hcl2.loads(text.rstrip() + "\n")
    except (LarkError, ValueError, RecursionError, TypeError, KeyError):
        return {}
    return parsed
