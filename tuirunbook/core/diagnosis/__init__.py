"""Terraform's, OpenTofu's and Terragrunt's output → what kind of failure this is, and which locks it names."""

from tuirunbook.core.diagnosis.outcomes import (
    PlanOutcome,
    PlanReading,
    UnlockOutcome,
    UnlockReading,
    read_plan,
    read_unlock,
)
from tuirunbook.core.diagnosis.output import diagnose
from tuirunbook.core.diagnosis.values import BackendStore, Diagnosis, Kind, ReportedLock, to_json_object

__all__ = [
    "BackendStore",
    "Diagnosis",
    "Kind",
    "PlanOutcome",
    "PlanReading",
    "ReportedLock",
    "UnlockOutcome",
    "UnlockReading",
    "diagnose",
    "read_plan",
    "read_unlock",
    "to_json_object",
]
