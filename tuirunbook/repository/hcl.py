"""The outline of an HCL file: which blocks and arguments it has, and where, without reading their values.

python-hcl2 reads values (`literals.py`), and only of the one block that matters. This outline finds that block, so that
syntax elsewhere in the file, comments between tokens or a file of 100 kB cost nothing and break nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_right

import msgspec

_TOKEN = re.compile(
    r"""
     (?P<space>[^\S\n]+)
    |(?P<newline>\n)
    |(?P<comment>\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<heredoc><<-?(?P<marker>[^\W\d][\w-]*)[^\S\n]*\n)
    |(?P<name>[^\W\d][\w-]*)
    |(?P<operator>==|!=|<=|>=|=>|&&|\|\||\.\.\.)
    |(?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_STRING_PART = re.compile(r'[^"\\$%\n]+|\\[^\n]|\$\$\{|%%\{|[$%](?!\{)')
_AWKWARD = re.compile(r"\n|\$\$\{|%%\{")
_CLOSERS = {"{": "}", "[": "]", "(": ")"}


class HclError(Exception):
    """Text that is not HCL. Lines and columns count from 1; the sentence quotes nothing from the file."""

    def __init__(self, sentence: str, *, line: int, column: int) -> None:
        self.sentence = sentence
        self.line = line
        self.column = column
        super().__init__(f"{line}:{column}: {sentence}")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One block or argument of a body.

    Attributes:
        name: The block's type or the argument's name.
        labels: A block's labels, without quotes.
        line: Where its name stands.
        column: Likewise.
        block: Whether it is a block.
        tokens: The range of tokens of a block's body or of an argument's value.
    """

    name: str
    labels: tuple[str, ...] = ()
    line: int
    column: int
    block: bool
    tokens: range


class _Token(msgspec.Struct, frozen=True):
    kind: str
    start: int
    end: int
    text: str


class Outline:
    """One file's tokens, with every bracket's partner known.

    Raises:
        HclError: A bracket, string, comment or heredoc is not closed.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._tokens: list[_Token] = []
        self._rewritten: list[tuple[int, int]] = []
        self._partner: dict[int, int] = {}
        try:
            self._tokenise()
        except _UnclosedError as error:
            raise self._error_at(error.offset, error.sentence) from None
        except RecursionError:
            raise HclError("the text is nested too deeply", line=1, column=1) from None
        self._match_brackets()

    def items(self, within: Item | None = None) -> list[Item]:
        """The blocks and arguments at the top of the file, or of a block's body.

        A block's body is read as strictly as Terraform reads it; at the top of the file what cannot be read is skipped.

        Raises:
            HclError: The body breaks a rule of HCL.
        """
        span = range(len(self._tokens)) if within is None else within.tokens
        at, items = span.start, list[Item]()
        while at < span.stop:
            token = self._tokens[at]
            if token.kind == "newline":
                at += 1
                continue
            item = self._item(at, span.stop, strict=within is not None)
            if item is None:
                at = self._end_of_line(at, span.stop)
                continue
            items.append(item)
            at = item.tokens.stop + (1 if item.block else 0)
            if at < span.stop and self._tokens[at].kind != "newline":
                raise self._error(at, "a new line has to begin after each argument or block")
        if within is not None:
            self._check_single_line(within, items)
        return items

    def body(self, block: Item) -> str:
        """A block's body as text, with comments blanked and each line where it was, beginning with the block's own."""
        return self._between(self._tokens[block.tokens.start - 1].end, self._tokens[block.tokens.stop].start)

    def value(self, argument: Item) -> str:
        """An argument's value as text, with comments blanked."""
        return self._between(self._tokens[argument.tokens.start].start, self._tokens[argument.tokens.stop - 1].end)

    def body_line(self, block: Item) -> int:
        """The line that the first line of `body` stands on."""
        return self.place(self._tokens[block.tokens.start - 1].start)[0]

    def whole(self) -> str:
        """The whole text with comments blanked."""
        return self._between(0, len(self._text))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character offset."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def _between(self, start: int, end: int) -> str:
        parts, at = list[str](), start
        for begin, stop in self._rewritten:
            if begin < start or stop > end:
                continue
            parts.append(self._text[at:begin])
            piece = self._text[begin:stop]
            parts.append(_readable(piece) if piece.startswith('"') else " " * len(piece))
            at = stop
        return "".join((*parts, self._text[at:end])).replace("\r\n", "\n")

    def _item(self, at: int, stop: int, *, strict: bool) -> Item | None:
        first = self._tokens[at]
        line, column = self.place(first.start)
        if first.kind != "name":
            if strict or (first.kind == "string" and first.text == '"terraform"'):
                raise self._error(at, "an argument or a block has to begin here, with a plain name")
            return None
        following, labels = at + 1, list[str]()
        while following < stop and self._tokens[following].kind in {"name", "string"}:
            labels.append(self._tokens[following].text.strip('"'))
            following += 1
        mark = self._tokens[following].text if following < stop else ""
        if mark == "=" and not labels:
            end = self._end_of_line(following + 1, stop)
            self._check_value(range(following + 1, end))
            tokens = range(following + 1, end)
            return Item(name=first.text, line=line, column=column, block=False, tokens=tokens)
        if mark == "{":
            tokens = range(following + 1, self._partner[following])
            return Item(
                name=first.text,
                labels=tuple(labels),
                line=line,
                column=column,
                block=True,
                tokens=tokens,
            )
        if strict or first.text == "terraform":
            raise self._error(at, f"`{first.text}` is followed neither by `=` nor by `{{` on its line")
        return None

    def _check_value(self, span: range) -> None:
        at = span.start
        if not span:
            raise self._error(at - 1, "an argument has no value")
        while at < span.stop:
            if self._tokens[at].text == "=":
                raise self._error(at, "two arguments stand on one line")
            at = self._partner.get(at, at) + 1

    def _check_single_line(self, block: Item, items: list[Item]) -> None:
        """A body that begins on its brace's line is one argument, and ends there."""
        span = block.tokens
        if not span or self._tokens[span.start].kind == "newline":
            return
        single = len(items) == 1 and not items[0].block
        if not single or self._end_of_line(span.start, span.stop) != span.stop:
            raise self._error(span.start, "a block on one line can hold one argument and no block; begin a new line")

    def _end_of_line(self, at: int, stop: int) -> int:
        while at < stop and self._tokens[at].kind != "newline":
            at = self._partner.get(at, at) + 1
        return min(at, stop)

    def _tokenise(self) -> None:
        text, at = self._text, 0
        while at < len(text):
            kind, end = _next(text, at)
            if kind == "comment" or (kind == "string" and _AWKWARD.search(text, at, end)):
                self._rewritten.append((at, end))
            if kind not in {"space", "comment"}:
                self._tokens.append(_Token(kind, at, end, text[at:end]))
            at = end

    def _match_brackets(self) -> None:
        open_ones: list[int] = []
        for at, token in enumerate(self._tokens):
            if token.kind != "mark":
                continue
            if token.text in _CLOSERS:
                open_ones.append(at)
            elif token.text in _CLOSERS.values():
                if not open_ones or _CLOSERS[self._tokens[open_ones[-1]].text] != token.text:
                    raise self._error(at, f"this `{token.text}` closes nothing")
                self._partner[open_ones.pop()] = at
        if open_ones:
            at = open_ones[-1]
            raise self._error(at, f"this `{self._tokens[at].text}` is never closed")

    def _error(self, at: int, sentence: str) -> HclError:
        return self._error_at(self._tokens[min(at, len(self._tokens) - 1)].start, sentence)

    def _error_at(self, offset: int, sentence: str) -> HclError:
        line, column = self.place(offset)
        return HclError(sentence, line=line, column=column)


class _UnclosedError(Exception):
    def __init__(self, offset: int, sentence: str) -> None:
        self.offset = offset
        self.sentence = sentence
        super().__init__(sentence)


def _readable(string: str) -> str:
    """A string as python-hcl2 reads it: without line breaks, and with `$${` and `%%{` as escapes of another kind."""
    return string.replace("\n", " ").replace("$${", r"\u0024{").replace("%%{", r"\u0025{")


def interpolation_end(text: str, start: int) -> int:
    """The offset after the `}` that ends the `${` or `%{` at `start`.

    Raises:
        ValueError: It never ends.
    """
    try:
        return _interpolation_end(text, start)
    except (_UnclosedError, RecursionError) as error:
        raise ValueError("an interpolation is not closed") from error


def split(text: str, separators: str) -> list[str]:
    """The parts of an expression between separators that stand in no bracket and no string; empty ones are left out.

    Raises:
        ValueError: A bracket or a string is not closed.
    """
    parts, depth, start, at = list[str](), 0, 0, 0
    try:
        while at < len(text):
            kind, end = _next(text, at)
            mark = text[at] if kind in {"mark", "newline"} else ""
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(mark, 0)
            if depth < 0:
                break
            if mark and mark in separators and depth == 0:
                parts.append(text[start:at].strip())
                start = end
            at = end
    except (_UnclosedError, RecursionError) as error:
        raise ValueError("an expression is not closed") from error
    if depth:
        raise ValueError("a bracket has no partner")
    return [part for part in (*parts, text[start:].strip()) if part]


def _next(text: str, at: int) -> tuple[str, int]:
    """The kind of the token at `at`, and where it ends."""
    if text[at] == '"':
        return "string", _string_end(text, at)
    match = _TOKEN.match(text, at)
    kind = match.lastgroup if match else None
    if match is None or kind is None:
        raise _UnclosedError(at, "this character is not understood")
    if match["heredoc"]:
        return "heredoc", _heredoc_end(text, at, match.end(), match["marker"])
    if kind == "mark" and text.startswith("/*", at):
        raise _UnclosedError(at, "this comment is never closed")
    return kind, match.end()


def _string_end(text: str, start: int) -> int:
    at = start + 1
    while at < len(text):
        part = _STRING_PART.match(text, at)
        if part:
            at = part.end()
        elif text[at] == '"':
            return at + 1
        elif text[at] in "$%":
            at = _interpolation_end(text, at)
        else:
            break
    raise _UnclosedError(start, "this string is not closed on its line")


def _interpolation_end(text: str, start: int) -> int:
    at, depth = start + 1, 0
    while at < len(text):
        kind, end = _next(text, at)
        if kind == "mark":
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth == 0:
                return end
        at = end
    raise _UnclosedError(start, "this interpolation is never closed")


def _heredoc_end(text: str, start: int, body: int, marker: str) -> int:
    end = re.compile(rf"^[^\S\n]*{re.escape(marker)}[^\S\n]*$", re.MULTILINE).search(text, body)
    if end is None:
        raise _UnclosedError(start, f"this heredoc is never closed by `{marker}`")
    return end.end()
