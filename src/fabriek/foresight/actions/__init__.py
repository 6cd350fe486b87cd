"""The verbs of this room."""

from fabriek.foresight.actions.studies import (
    ask_study,
    ask_study_again,
    cancel_study,
    delete_study,
    forget_deleted,
    restore_study,
)
from fabriek.foresight.actions.workloads import (
    Classes,
    delete_workload,
    keep_workload,
    record_workload,
    send_workload,
)

__all__ = [
    "Classes",
    "ask_study",
    "ask_study_again",
    "cancel_study",
    "delete_study",
    "delete_workload",
    "forget_deleted",
    "keep_workload",
    "record_workload",
    "restore_study",
    "send_workload",
]
