"""The quick reader says what the reference says, or declines; plain blocks it does not decline."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuirunbook.repository import quick
from tuirunbook.repository.hcl import HclError, Outline
from tuirunbook.repository.literals import read_body

Reading = list[tuple[str, int, object, object]]


def reference(text: str) -> Reading | None:
    """What the outline and python-hcl2 read; None where they refuse the text."""
    found: Reading = []
    try:
        outline = Outline(text)
        for top in outline.items():
            if top.name != "terraform" or not top.block:
                continue
            for block in outline.items(top):
                if not block.block or block.name not in {"backend", "cloud"}:
                    continue
                if block.name == "cloud":
                    found.append(("cloud", block.line, {}, {}))
                    continue
                items = outline.items(block)
                if len({item.name for item in items}) < len(items):
                    return None
                arguments = read_body(outline.body(block))
                lines = {item.name: item.line for item in items}
                found.append((block.labels[0] if block.labels else "", block.line, dict(arguments), lines))
    except HclError:
        return None
    return found


def quickly(text: str) -> Reading | None:
    found = quick.blocks(text.encode())
    if found is None:
        return None
    return [(one.type, one.line, dict(one.arguments), dict(one.lines)) for one in found]


NAMES = st.sampled_from(["bucket", "key", "region", "encrypt", "assume_role", "endpoints", "max_retries", "acl-x"])
PLAIN_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters='"\\$%\n\r{}', exclude_categories=["C"]), max_size=12
)
ODD_TEXT = st.sampled_from(
    [
        "${var.x}",
        "$${x}",
        "a${1 + 1}b",
        "%{ if x }",
        "\\n",
        '\\"',
        "$",
        "%",
        "a // b",
        "# c",
        "/* d */",
        '${"x"}',
        "<<EOT",
    ]
)
QUOTED = (PLAIN_TEXT | ODD_TEXT).map(lambda text: f'"{text}"')
SCALARS = QUOTED | st.sampled_from(["true", "false", "0", "7", "-3", "1.5", "007", "null", "var.x", "1 + 2", "1e3"])
SPACE = st.sampled_from(["", " ", "\t", "  "])
COMMENT = st.sampled_from(["", "", "", " # a = {", " // b }", " /* c */", "  "])


@st.composite
def objects(draw: st.DrawFn) -> str:
    pairs = draw(st.lists(st.tuples(st.sampled_from("abcd"), SCALARS), max_size=3, unique_by=lambda pair: pair[0]))
    between = draw(st.sampled_from([", ", "\n      ", ",\n      "]))
    return (
        "{" + between.join(f"{name} = {value}" for name, value in pairs) + draw(st.sampled_from(["}", "\n    }", " }"]))
    )


LISTS = st.lists(SCALARS, max_size=3).map(lambda values: f"[{', '.join(values)}]")
VALUES = SCALARS | objects() | LISTS


PLAIN_LINES = st.tuples(NAMES, QUOTED | st.sampled_from(["true", "false"]))


@st.composite
def bodies(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        # the shape that nearly all files have, and that the reader has a way of its own for
        return "\n".join(f"    {name} = {value}" for name, value in draw(st.lists(PLAIN_LINES, max_size=4)))
    lines = [
        f"    {name}{draw(SPACE)}={draw(SPACE)}{value}{draw(COMMENT)}"
        for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=5))
    ]
    return "\n".join(lines)


@st.composite
def files(draw: st.DrawFn) -> str:
    body = draw(bodies())
    head = draw(
        st.sampled_from(
            [
                'backend "s3" {',
                'backend   "s3"{',
                "backend s3 {",
                'backend"s3"{',
                '/* c */ backend "s3" {',
                'backend /* c */ "s3" {',
                "cloud {",
            ]
        )
    )
    before = draw(
        st.sampled_from(
            [
                "",
                "# terraform {\n",
                '/*\nterraform {\n  backend "gcs" {}\n}\n*/\n',
                'locals {\n  x = "${lookup(var.a, "b")}}"\n}\n',
                "locals {\n  x = <<EOT\nterraform {\n  EOT\n}\n",
                'data "terraform_remote_state" "x" {\n  backend = "s3"\n}\n',
                'variable "backend" {}\n',
                'terraform {\n  required_version = ">= 1" # x\n  required_providers {\n    a = { b = "a" }\n  }\n}\n',
                "broken {\n",
                "x = 1\n",
            ]
        )
    )
    inside = draw(
        st.sampled_from(
            ["", "  experiments = [a, b]\n", '  required_version = "1"\n', "  x = y == z\n", "  x = y z = 1\n"]
        )
    )
    after = draw(
        st.sampled_from(
            ["", "\n", "\nlocals {\n}\n", "\n}", "\n# end", '\nresource "a" "b" {', " # end", " locals {\n}", " x = 1"]
        )
    )
    terraform = draw(st.sampled_from(["terraform", "terraform", "terraform", 'terraform "x"']))
    text = f"{before}{terraform} {{\n{inside}  {head}\n{body}\n  }}\n}}{after}"
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@settings(max_examples=400)
@given(files())
def test_what_the_quick_reader_reads_is_what_python_hcl2_reads(text: str) -> None:
    found = quickly(text)
    if found is not None:
        assert found == reference(text)


@given(st.lists(PLAIN_LINES, max_size=4))
def test_blocks_of_plain_lines_are_read_alike_or_declined(lines: list[tuple[str, str]]) -> None:
    body = "".join(f"    {name} = {value}\n" for name, value in lines)
    text = f'terraform {{\n  backend "s3" {{\n{body}  }}\n}}\n'
    found = quickly(text)
    if found is not None:
        assert found == reference(text)


@given(
    st.lists(
        st.sampled_from(
            [
                "terraform",
                " ",
                "{",
                "}",
                "\n",
                '"s3"',
                "backend",
                "=",
                '"',
                "#",
                "/*",
                "*/",
                "cloud",
                '"${a}"',
                "x",
                "[",
                "]",
                "<<A\n",
                "\nA\n",
                "\r\n",
                ",",
            ]
        )
    ).map("".join)
)
def test_any_arrangement_of_tokens_is_read_alike_or_declined(text: str) -> None:
    found = quickly(text)
    if found is not None:
        assert found == reference(text)


@given(st.dictionaries(NAMES, PLAIN_TEXT.map(lambda text: f'"{text}"') | st.sampled_from(["true", "false", "7"])))
def test_plain_blocks_are_not_declined(values: dict[str, str]) -> None:
    body = "".join(f"    {name} = {value}\n" for name, value in values.items())
    assert quickly(f'terraform {{\n  backend "s3" {{\n{body}  }}\n}}\n') is not None


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda pair: pair[0]))
def test_configuration_files_are_read_alike_or_declined(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"{name} = {value}\n" for name, value in pairs)
    found = quick.arguments(text.encode())
    if found is not None:
        assert dict(found) == dict(read_body(Outline(text).whole()))


REAL = {
    "with a role": """
terraform {
  required_version = ">= 1.5.0, < 2.0"
  backend "s3" {
    # everybody's
    bucket               = "moj-modernisation-platform-terraform-state" # the bucket
    key                  = "terraform.tfstate"
    region               = "eu-west-2"
    encrypt              = true
    acl                  = "bucket-owner-full-control"
    workspace_key_prefix = "environments/members/app/production"
    use_lockfile         = true
    assume_role          = {
      role_arn = "arn:aws:iam::123456789012:role/modify"
      tags     = { team = "a", cost = 7 }
    }
    allowed_account_ids  = ["123456789012", "210987654321"]
  }
}
""",
    "empty": 'terraform {\n  backend "s3" {}\n}\n',
    "two blocks": 'terraform {\n  required_version = "1"\n}\nterraform {\n  backend "s3" {\n  }\n}\n',
    "lockfile as text": 'terraform {\n  backend "s3" {\n    use_lockfile = "true"\n  }\n}\n',
    "bucket policy beside it": 'locals {\n  arn = "arn:aws:s3:::${var.b}/*"\n}\n'
    'terraform {\n  backend s3 {\n    key = "k"\n  }\n}\n',
}


@pytest.mark.parametrize("name", REAL)
def test_real_looking_files_are_read_quickly_and_alike(name: str) -> None:
    found = quickly(REAL[name])
    assert found is not None
    assert found == reference(REAL[name])


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    raw = b'\xef\xbb\xbfterraform {\n  backend "s3" {\n    key = "k"\n  }\n}\n'
    assert [one.arguments for one in quick.blocks(raw) or []] == [{"key": "k"}]


def test_what_is_not_utf_8_is_declined() -> None:
    assert quick.blocks(b'terraform {\n  backend "s3" {\n    key = "\xff"\n  }\n}\n') is None


def test_fifty_megabytes_are_read_without_the_outline() -> None:
    filler = b'resource "a" "b" {\n  x = "${var.y}"\n}\n' * (50_000_000 // 38)
    found = quick.blocks(filler + b'terraform {\n  backend "s3" {\n    key = "k"\n  }\n}\n')
    assert found is not None
    assert found[0].arguments == {"key": "k"}
