"""A variable of a Makefile or a script counts where it is as good as a literal, and never elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.repository.listing import one

if TYPE_CHECKING:
    from tests.repository.conftest import Checkout
    from tuirunbook.core.state import State

ENVRC = """
export BUCKET=acme
KEY='app/x.tfstate'
export TF_CLI_ARGS_init="-backend-config=bucket=$BUCKET -backend-config=key=$KEY"
"""
RULE = 'init:\n\tterraform init -backend-config="bucket=$(BUCKET)" -backend-config=key=${KEY}\n'
SHELL = 'terraform init -backend-config="bucket=$BUCKET" -backend-config="key=${KEY}"\n'


def found(checkout: Checkout, name: str, text: str) -> State:
    checkout.backend('    region = "r"\n', "app/main.tf")
    checkout.write(f"app/{name}", text)
    return one(checkout)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", f"BUCKET = acme\nKEY := app/x.tfstate\n{RULE}"),
        ("Makefile", f"export BUCKET := acme # ours\nKEY ::= app/x.tfstate\nifdef CI\nFLAGS = -x\nendif\n{RULE}"),
        ("init.sh", f'#!/bin/sh\nset -e\nBUCKET=acme\nexport KEY="app/x.tfstate"\n{SHELL}'),
        (".envrc", ENVRC),
    ],
)
def test_a_variable_that_is_set_once_to_a_text_is_its_text(checkout: Checkout, name: str, text: str) -> None:
    state = found(checkout, name, text)
    assert state.unresolved == ()
    assert state.root.address().lock_id == "acme/app/x.tfstate"
    assert state.source.startswith(f"script: {name}:")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", f"BUCKET ?= acme\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = acme\nBUCKET = other\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = acme\nBUCKET += other\nKEY = k\n{RULE}"),
        ("Makefile", f"ifdef CI\nBUCKET = acme\nendif\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = acme\nprod: BUCKET = other\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = $(shell pwd)\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = acme\ninclude local.mk\nKEY = k\n{RULE}"),
        ("Makefile", f"BUCKET = acme\nKEY = k\n{RULE.replace('$(BUCKET)', '$$BUCKET')}"),
        ("init.sh", f"BUCKET=${{1:-acme}}\nKEY=k\n{SHELL}"),
        ("init.sh", f'BUCKET=acme\nif [ -n "$CI" ]; then BUCKET=other; fi\nKEY=k\n{SHELL}'),
        ("init.sh", f"if true; then\n  BUCKET=acme\nfi\nKEY=k\n{SHELL}"),
        ("init.sh", f"BUCKET=acme\nread -r BUCKET\nKEY=k\n{SHELL}"),
        ("init.sh", f"BUCKET=acme\nfor BUCKET in a b; do\nKEY=k\n{SHELL}done\n"),
        ("init.sh", f"BUCKET=acme\nKEY=k\n. ./env\n{SHELL}"),
        ("init.sh", f"BUCKET=acme\nKEY=k\n{SHELL}".replace('"bucket=$BUCKET"', "'bucket=$BUCKET'")),
        ("init.sh", f"# BUCKET=acme\nKEY=k\n{SHELL}"),
    ],
)
def test_a_variable_that_may_be_something_else_is_unresolved(checkout: Checkout, name: str, text: str) -> None:
    lacks = {lack.argument: lack.why for lack in found(checkout, name, text).unresolved}
    assert "takes it from a variable" in lacks["bucket"]
