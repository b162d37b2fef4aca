"""States of a case and every move between them (CONTRACTS §3; guards and law: DOMAIN §1.3)."""

from collections.abc import Mapping
from enum import StrEnum


class CaseState(StrEnum):
    APPLIED = "applied"
    CONSENT_PENDING = "consent_pending"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    INFORMED = "informed"
    IN_MEDIATION = "in_mediation"
    SUSPENDED = "suspended"
    AGREED_ORAL = "agreed_oral"
    AGREED_WRITTEN = "agreed_written"
    EFFECTIVE = "effective"
    PERFORMING = "performing"
    PERFORMED = "performed"
    BREACHED = "breached"
    BREACHED_TOLD = "breached_told"
    TERMINATED = "terminated"
    FILED = "filed"
    REOPENED = "reopened"


class Act(StrEnum):
    ASK_CONSENT = "ask_consent"
    ACCEPT = "accept"  # of a joint application, or once nobody refused
    ASSIGN = "assign"  # also the change of a mediator
    INFORM = "inform"
    BEGIN = "begin"
    AGREE_ORALLY = "agree_orally"
    AGREE_IN_WRITING = "agree_in_writing"
    TAKE_EFFECT = "take_effect"  # an oral agreement, in the transaction that records it (PML art. 30)
    SEAL = "seal"  # the last of all signatures, the mediator's and the seal (PML art. 29)
    WITHDRAW = "withdraw"  # a party goes back on a text that is not yet effective
    START_PERFORMANCE = "start_performance"
    CONFIRM_PERFORMANCE = "confirm_performance"
    REPORT_BREACH = "report_breach"
    RESUME_PERFORMANCE = "resume_performance"  # urging helped (PML art. 31)
    TELL_REMEDIES = "tell_remedies"
    HOLD_INVALID = "hold_invalid"
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"
    FILE = "file"  # after followup closed the referral
    REOPEN = "reopen"


class Deed(StrEnum):
    """What is done to a case that stays where it is."""

    RECORD_CONSENT = "record_consent"
    MEET_AGAIN = "meet_again"
    SIGN = "sign"
    PERFORM = "perform"
    FIND_BREACH = "find_breach"
    EXTEND = "extend"


class Back(StrEnum):
    """A move that leads to where the case stood before, not to a fixed state."""

    WHERE_IT_CAME_FROM = "where_it_came_from"


S = CaseState
BETWEEN_ACCEPTANCE_AND_EFFECT = (
    S.ACCEPTED, S.ASSIGNED, S.INFORMED, S.IN_MEDIATION, S.AGREED_ORAL, S.AGREED_WRITTEN,
)  # fmt: skip

TRANSITIONS: Mapping[tuple[CaseState, Act], CaseState | Back] = {
    (S.APPLIED, Act.ASK_CONSENT): S.CONSENT_PENDING,
    (S.APPLIED, Act.ACCEPT): S.ACCEPTED,
    (S.APPLIED, Act.TERMINATE): S.TERMINATED,
    (S.CONSENT_PENDING, Act.ACCEPT): S.ACCEPTED,
    (S.CONSENT_PENDING, Act.TERMINATE): S.TERMINATED,
    (S.ACCEPTED, Act.ASSIGN): S.ASSIGNED,
    (S.ASSIGNED, Act.ASSIGN): S.ASSIGNED,
    (S.ASSIGNED, Act.INFORM): S.INFORMED,
    (S.INFORMED, Act.BEGIN): S.IN_MEDIATION,
    (S.IN_MEDIATION, Act.AGREE_ORALLY): S.AGREED_ORAL,
    (S.IN_MEDIATION, Act.AGREE_IN_WRITING): S.AGREED_WRITTEN,
    (S.AGREED_ORAL, Act.TAKE_EFFECT): S.EFFECTIVE,
    (S.AGREED_WRITTEN, Act.SEAL): S.EFFECTIVE,
    (S.AGREED_WRITTEN, Act.WITHDRAW): S.IN_MEDIATION,
    (S.EFFECTIVE, Act.START_PERFORMANCE): S.PERFORMING,
    (S.EFFECTIVE, Act.CONFIRM_PERFORMANCE): S.PERFORMED,
    (S.EFFECTIVE, Act.HOLD_INVALID): S.REOPENED,
    (S.PERFORMING, Act.CONFIRM_PERFORMANCE): S.PERFORMED,
    (S.PERFORMING, Act.REPORT_BREACH): S.BREACHED,
    (S.BREACHED, Act.RESUME_PERFORMANCE): S.PERFORMING,
    (S.BREACHED, Act.TELL_REMEDIES): S.BREACHED_TOLD,
    (S.BREACHED, Act.REOPEN): S.REOPENED,
    **{(state, Act.SUSPEND): S.SUSPENDED for state in BETWEEN_ACCEPTANCE_AND_EFFECT},
    **{(state, Act.TERMINATE): S.TERMINATED for state in BETWEEN_ACCEPTANCE_AND_EFFECT},
    (S.SUSPENDED, Act.RESUME): Back.WHERE_IT_CAME_FROM,
    (S.SUSPENDED, Act.TERMINATE): S.TERMINATED,
    **{(state, Act.FILE): S.FILED for state in (S.PERFORMED, S.BREACHED_TOLD, S.TERMINATED)},
    **{(state, Act.REOPEN): S.REOPENED for state in (S.PERFORMED, S.BREACHED_TOLD, S.TERMINATED, S.FILED)},
    (S.REOPENED, Act.ASK_CONSENT): S.CONSENT_PENDING,
}

# Consent may be given, refused and taken back until the agreement has effect (PML 23); a debt may be paid late.
DEEDS: Mapping[Deed, frozenset[CaseState]] = {
    Deed.RECORD_CONSENT: frozenset({S.APPLIED, S.CONSENT_PENDING, S.SUSPENDED, *BETWEEN_ACCEPTANCE_AND_EFFECT}),
    Deed.MEET_AGAIN: frozenset({S.IN_MEDIATION}),
    Deed.SIGN: frozenset({S.AGREED_WRITTEN}),
    Deed.PERFORM: frozenset({S.EFFECTIVE, S.PERFORMING, S.BREACHED, S.BREACHED_TOLD}),
    Deed.FIND_BREACH: frozenset({S.EFFECTIVE, S.PERFORMING, S.BREACHED}),
    Deed.EXTEND: frozenset({S.SUSPENDED, *BETWEEN_ACCEPTANCE_AND_EFFECT}),
}
