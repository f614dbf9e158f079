"""The embedded AWS that training runs on, for tests. Moto keeps its state per process: one server per test process."""

from __future__ import annotations

from tuirunbook.training.aws import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY, EmbeddedAws
from tuirunbook.training.calls import Call
from tuirunbook.training.rules import Hold, Rule

__all__ = ["ACCESS_KEY", "ACCOUNT", "REGION", "SECRET_KEY", "Call", "EmbeddedAws", "Hold", "Rule"]
