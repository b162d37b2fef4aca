"""Who may change what, typed by hand from CONTRACTS §6 and §7: no line of it is read from the code.

Doors of `/v1/ops` are the same in every service and stand in the test itself.
"""

_OFFICE, _HEAD, _MEDIATOR, _VISITOR = "office_clerk", "committee_head", "mediator", "visitor"
_SUPERVISORS = "bureau_supervisor city_supervisor"
_DISPATCHERS = f"dispatcher {_SUPERVISORS}"
_CASE = "/v1/cases/{referral_id}"
_CALL = "/v1/calls/{source}/{call_no}"
_REFERRAL = "/v1/referrals/{referral_id}"
_VISIT = "/v1/visits/{visit_id}"
_WATCH = "/v1/watches/{referral_id}"

WHO: dict[str, dict[str, str]] = {
    "intake": {
        "/v1/calls": "source_system",
        f"{_CALL}/screen": "screener police_officer",
        f"{_CALL}/blocks": "police_officer",
        f"{_CALL}/blocks/{{code}}/lift": "police_officer screener",
        f"{_CALL}/return-decision": "police_officer",
        f"{_CALL}/withdraw": "source_system police_officer",
        f"{_CALL}/feedback/{{milestone}}/acknowledge": "source_system",
        f"{_CALL}/feedback/{{milestone}}/waive": _SUPERVISORS,
    },
    "triage": {
        f"{_REFERRAL}/dispatch": "dispatcher",
        f"{_REFERRAL}/return-decision": _DISPATCHERS,
        f"{_REFERRAL}/grade": _DISPATCHERS,
        f"{_REFERRAL}/send-back": "dispatcher",
        f"{_REFERRAL}/send-to-other-body": "dispatcher",
        f"{_REFERRAL}/sign": _OFFICE,
        f"{_REFERRAL}/contact": _OFFICE,
        f"{_REFERRAL}/request-return": _OFFICE,
        f"{_REFERRAL}/hand-over": _OFFICE,
        f"{_REFERRAL}/no-consent": _OFFICE,
        f"{_REFERRAL}/self-resolved": _OFFICE,
    },
    "mediation": {
        f"{_CASE}/consent": f"{_MEDIATOR} {_HEAD} {_OFFICE}",
        **{f"{_CASE}/{act}": _HEAD for act in ("accept", "assign", "seal", "file", "reopen", "hold-invalid", "extend")},
        **{
            f"{_CASE}/{act}": f"{_MEDIATOR} {_HEAD}"
            for act in (
                "inform", "meet", "oral-agreement", "written-agreement", "sign", "withdraw", "terminate", "suspend",
                "resume", "escalate-to-police", "remedies-told", "resume-performance",
                "obligations/{obligation_id}/performed", "obligations/{obligation_id}/breached",
            )
        },
    },
    "followup": {
        **{f"{_VISIT}/{act}": f"{_VISITOR} {_MEDIATOR}" for act in ("record", "miss", "neighbour-record")},
        f"{_VISIT}/waive": "bureau_supervisor",
        f"{_WATCH}/close": f"{_VISITOR} bureau_supervisor",
        f"{_WATCH}/reopen": "bureau_supervisor",
        f"{_WATCH}/escalate": f"{_VISITOR} {_MEDIATOR} {_SUPERVISORS}",
        f"{_WATCH}/supervise": _SUPERVISORS,
        f"{_WATCH}/supervision/{{order_id}}/answer": f"{_OFFICE} {_HEAD} {_MEDIATOR} {_VISITOR} {_SUPERVISORS}",
    },
}  # fmt: skip
