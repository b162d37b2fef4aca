"""The alarms that this service adds to those of the chassis: each has a section in docs/runbook.md."""

ALARMS = (
    "closed_referral_reopened",
    "closing_refused_by_database",
    "closing_violation",
)
