"""Runs the README's first command as a person would: on a terminal. `python -m tests.readme`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from tests.support.terminal import Terminal

CHECKOUT = Path(__file__).parents[1]
MENU = "which page do you take?"
INSTALLED_WITHIN = 600.0
"""Seconds: most of it is the package index."""


def command(name: str) -> str:
    """What stands between the README's markers of this name."""
    text = (CHECKOUT / "README.md").read_text("utf-8")
    found = re.search(rf"<!-- {name} -->\n```sh\n(.*?)\n```\n<!-- /{name} -->", text, re.DOTALL)
    if found is None:
        raise ValueError(f"the README has no command {name}")
    return found[1]


def main() -> int:
    """Run it, wait for the menu, leave, and return its exit code."""
    with Terminal(["/bin/bash", "-euo", "pipefail", "-c", command("run")], os.environ, CHECKOUT) as terminal:
        terminal.wait_for(MENU, INSTALLED_WITHIN)
        sys.stdout.write(terminal.text + "\n")
        terminal.press("ctrl+q")
        return terminal.wait_for_end()


if __name__ == "__main__":
    sys.exit(main())
