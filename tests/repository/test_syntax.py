"""Every shape of a backend block, as Terraform reads it."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tuirunbook.repository.hcl import HclError, Outline
from tuirunbook.repository.literals import Expression, read_body

if TYPE_CHECKING:
    from tests.repository.conftest import Checkout


Init = Callable[[Mapping[str, str]], dict[str, object] | None]
BLOCK = 'terraform {\n  backend "local" {\n    path = "x"\n  }\n}\n'

# the label `local` stands for any backend, so that terraform itself can be the judge
ACCEPTED: dict[str, tuple[dict[str, str], dict[str, object]]] = {
    "the plain form": ({"main.tf": BLOCK}, {"path": "x"}),
    "any file name": ({"teams.tf": BLOCK}, {"path": "x"}),
    "an unquoted label": ({"a.tf": 'terraform {\nbackend local {\npath = "x"\n}\n}\n'}, {"path": "x"}),
    "no spaces": ({"a.tf": 'terraform{\nbackend"local"{\npath="x"\n}\n}\n'}, {"path": "x"}),
    "comments between tokens": (
        {
            "a.tf": '/* a */ terraform /* b */ {\n/* c */ backend /* d */ "local" /* e */ {\n'
            '/* f */ path /* g */ = /* h */ "x" /* i */ // j\n# k\n}\n}\n'
        },
        {"path": "x"},
    ),
    "a byte order mark": ({"a.tf": "\N{ZERO WIDTH NO-BREAK SPACE}" + BLOCK}, {"path": "x"}),
    "carriage returns": ({"a.tf": BLOCK.replace("\n", "\r\n")}, {"path": "x"}),
    "two terraform blocks": ({"a.tf": "terraform {\n}\n" + BLOCK}, {"path": "x"}),
    "a block on one line": ({"a.tf": 'terraform {\nbackend "local" { path = "x" }\n}\n'}, {"path": "x"}),
    "a constant string template": ({"a.tf": BLOCK.replace('"x"', '"b-${"x"}"')}, {"path": "b-x"}),
    "a constant sum": ({"a.tf": BLOCK.replace('"x"', '"a/${1 + 1}"')}, {"path": "a/2"}),
    "more constants": (
        {"a.tf": BLOCK.replace('"x"', '"${(2)}-${true}-${1/4}-${7 % 4 * -2}-${"n${"m"}"}-$${y}-%%{z}"')},
        {"path": "2-true-0.25--6-nm-${y}-%{z}"},
    ),
    "a line break in a template": ({"a.tf": BLOCK.replace('"x"', '"${\n  "x"\n}"')}, {"path": "x"}),
    "parentheses": ({"a.tf": BLOCK.replace('"x"', '("x")')}, {"path": "x"}),
    "escapes": (
        {"a.tf": BLOCK.replace('"x"', r'"q\"b\\n\tu\u00e9\U0001F600"')},
        {"path": 'q"b\\n\tu\N{LATIN SMALL LETTER E WITH ACUTE}\N{GRINNING FACE}'},
    ),
    "null": ({"a.tf": BLOCK.replace('"x"', '"x"\nworkspace_dir = null')}, {"path": "x"}),
    "a heredoc": ({"a.tf": BLOCK.replace('"x"', '<<-EOT\n    x ${"y"}\n      }\n    EOT')}, {"path": "x y\n  }\n"}),
    "braces in strings and heredocs": (
        {"a.tf": 'locals {\n a = "}${"{"}"\n b = <<EOT\n}}} backend "s3" {\nEOT\n}\n' + BLOCK},
        {"path": "x"},
    ),
    "a commented block": (
        {"a.tf": '# terraform {\n#  backend "s3" {}\n# }\n/*\nterraform {\n backend "gcs" {\n }\n}\n*/\n' + BLOCK},
        {"path": "x"},
    ),
    "JSON": ({"a.tf.json": '{"terraform": {"backend": {"local": {"path": "x"}}}}'}, {"path": "x"}),
    "JSON with lists and comments": (
        {"a.tf.json": '[{"terraform": [{"backend": [{"local": [{"path": "x", "//": "why"}]}]}]}, {"locals": {}}]'},
        {"path": "x"},
    ),
    "JSON, where templates are plain text": (
        {"a.tf.json": '{"terraform": {"backend": {"local": {"path": "a/${1 + 1}/$${z}"}}}}'},
        {"path": "a/${1 + 1}/$${z}"},
    ),
    "an override file replaces the whole block": (
        {
            "main.tf": BLOCK.replace('"x"', '"x"\nworkspace_dir = "w"'),
            "z_override.tf": BLOCK.replace('"x"', '"y"'),
        },
        {"path": "y"},
    ),
    "the last override file wins": (
        {
            "main.tf": BLOCK,
            "a_override.tf": BLOCK.replace('"x"', '"a"'),
            "override.tf.json": '{"terraform": {"backend": {"local": {"path": "o"}}}}',
        },
        {"path": "o"},
    ),
    "hidden, backup and editor files are left out": (
        {"main.tf": BLOCK, ".b.tf": BLOCK, "c.tf~": BLOCK, "#d.tf#": BLOCK, "e.tf.bak": BLOCK},
        {"path": "x"},
    ),
}

REFUSED: dict[str, tuple[dict[str, str], int]] = {
    "everything on one line": ({"a.tf": 'terraform { backend "local" {} }\n'}, 1),
    "a line break before the brace": ({"a.tf": 'terraform {\n  backend "local"\n  {\n  }\n}\n'}, 2),
    "a quoted block name": ({"a.tf": '"terraform" {\n  backend "local" {\n  }\n}\n'}, 1),
    "a quoted argument name": ({"a.tf": BLOCK.replace("path", '"path"')}, 3),
    "an argument set twice": ({"a.tf": BLOCK.replace('"x"', '"x"\n    path = "y"')}, 4),
    "two arguments on one line": ({"a.tf": BLOCK.replace('"x"', '"x" workspace_dir = "y"')}, 3),
    "two backends in a file": ({"a.tf": BLOCK + BLOCK}, 7),
    "two backends in two files": ({"a.tf": BLOCK, "b.tf": BLOCK}, 2),
    "a backend and a cloud block": ({"a.tf": BLOCK, "b.tf": "terraform {\n  cloud {\n  }\n}\n"}, 2),
    "two backends in JSON": (
        {"a.tf.json": '{"terraform": {"backend": {"local": {}}}, "terraform": {"backend": {"local": {}}}}'},
        1,
    ),
    "a string that is not closed": ({"a.tf": BLOCK.replace('"x"', '"x')}, 3),
    "a block that is not closed": ({"a.tf": BLOCK.rstrip("}\n")}, 2),
    "a comment that is not closed": ({"a.tf": BLOCK + "/* on and on"}, 6),
    "no value": ({"a.tf": BLOCK.replace('"x"', "")}, 3),
    "a value that is none": ({"a.tf": BLOCK.replace('"x"', '"x" +* 2')}, 3),
    "no label": ({"a.tf": "terraform {\n  backend {\n  }\n}\n"}, 2),
    "two labels": ({"a.tf": BLOCK.replace('"local"', '"local" "s3"')}, 2),
    "broken JSON": ({"a.tf.json": '{"terraform":\n  {"backend": {"local": {"path": "x",}}}}'}, 2),
}


@pytest.mark.parametrize(("files", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_a_backend_is_read_from(checkout: Checkout, files: dict[str, str], expected: dict[str, object]) -> None:
    for name, text in files.items():
        checkout.write(name, text)
    root = checkout.detect()
    assert root.backend.type == "local"
    assert root.backend.arguments == expected


@pytest.mark.parametrize(("files", "line"), REFUSED.values(), ids=REFUSED)
def test_the_place_is_told_of(checkout: Checkout, files: dict[str, str], line: int) -> None:
    for name, text in files.items():
        checkout.write(name, text)
    error = checkout.refused()
    assert error.file is not None
    assert error.line == line


@pytest.mark.real
@pytest.mark.parametrize(("files", "expected"), ACCEPTED.values(), ids=ACCEPTED)
def test_terraform_reads_the_same_from(
    terraform_init: Init, files: dict[str, str], expected: dict[str, object]
) -> None:
    assert terraform_init(files) == expected


@pytest.mark.real
@pytest.mark.parametrize(("files", "line"), REFUSED.values(), ids=REFUSED)
def test_terraform_also_refuses(terraform_init: Init, files: dict[str, str], line: int) -> None:
    del line
    assert terraform_init(files) is None


@pytest.mark.parametrize("value", ["var.x", '"a-${var.x}"', 'join("-", ["a"])', "local.y", '"%{ if true }x%{ endif }"'])
def test_what_only_opentofu_can_resolve_is_no_constant(value: str) -> None:
    assert read_body(f"bucket = {value}\n") == {"bucket": Expression()}


def test_a_syntax_that_python_hcl2_cannot_read_elsewhere_does_not_matter(checkout: Checkout) -> None:
    odd = 'locals {\n  \N{GREEK SMALL LETTER PI} = "${\n    "x"\n  }"\n}\n'
    checkout.write("main.tf", odd + BLOCK)
    assert checkout.detect().backend.arguments == {"path": "x"}


def test_a_remote_state_is_not_a_backend(checkout: Checkout) -> None:
    checkout.write("main.tf", 'data "terraform_remote_state" "n" {\n  backend = "s3"\n  config = {\n  }\n}\n')
    assert "declares a backend" in checkout.refused().sentence


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in {"if", "in", "for", "for_each", "null", "true", "false", "else", "endif", "endfor"}
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-(10**12), 10**12), st.none())
VALUES = st.one_of(
    SCALARS, st.lists(TEXTS, max_size=3), st.dictionaries(NAMES, st.one_of(TEXTS, st.booleans()), max_size=3)
)


def written(value: object) -> str:
    """A value as HCL, by the language's own escapes."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            escaped = value.replace("\\", r"\\").replace('"', r"\"").replace("${", "$${").replace("%{", "%%{")
            return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
        case list():
            return "[" + ", ".join(map(written, value)) + "]"
        case dict():
            return "{\n" + "".join(f"{name} = {written(inner)}\n" for name, inner in value.items()) + "}"
        case _:
            return str(value)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
@example({"a": "x${y}%{z}$$ %% \\"})
def test_literal_bodies_are_read_as_they_were_written(values: dict[str, object]) -> None:
    body = "".join(f"  {name} = {written(value)} # why\n" for name, value in values.items())
    outline = Outline('terraform {\n  backend "s3" {\n' + body + "  }\n}\n")
    (terraform,) = outline.items()
    (backend,) = outline.items(terraform)
    assert read_body(outline.body(backend)) == values
    assert [item.name for item in outline.items(backend)] == list(values)


@given(st.text(string.ascii_letters + '{}[]()"$%#/*\\<-=\n \t', max_size=80))
@example("${" * 3000)
@example('"' + '${"' * 3000)
def test_any_text_is_outlined_or_refused_with_its_place(text: str) -> None:
    try:
        outline = Outline(text)
        for item in outline.items():
            if item.block:
                outline.items(item)
    except HclError as error:
        place = (error.line, error.column)
    else:
        place = (1, 1)
    assert min(place) >= 1
