"""States and their locks without an incident: for the States screen, `status`, `locks` and `wait`."""

from tuirunbook.survey.doubt import Doubt, look_once
from tuirunbook.survey.report import Status, row_exit, row_object, status_exit, status_object, unknown_object
from tuirunbook.survey.states import Lister, Reader, StateRow, Store, Survey, signed_out, urgency
from tuirunbook.survey.waiting import Outcome, Wait, wait_for_release

__all__ = [
    "Doubt",
    "Lister",
    "Outcome",
    "Reader",
    "StateRow",
    "Status",
    "Store",
    "Survey",
    "Wait",
    "look_once",
    "row_exit",
    "row_object",
    "signed_out",
    "status_exit",
    "status_object",
    "unknown_object",
    "urgency",
    "wait_for_release",
]
