"""The alarms that this service adds to those of the chassis: each has a section in docs/runbook.md."""

ALARMS = (
    "batch_refused_by_database",
    "call_overdue",
    "call_unreadable",
    "milestone_of_no_call",
)
