"""States and their locks without an incident: for the States screen, `status`, `locks` and `wait`."""

from tuirunbook.survey.report import Status, status_exit, status_object, unknown_object
from tuirunbook.survey.states import StateRow, Store, read_all, read_one
from tuirunbook.survey.waiting import Outcome, Wait, wait_for_release

__all__ = [
    "Outcome",
    "StateRow",
    "Status",
    "Store",
    "Wait",
    "read_all",
    "read_one",
    "status_exit",
    "status_object",
    "unknown_object",
    "wait_for_release",
]
