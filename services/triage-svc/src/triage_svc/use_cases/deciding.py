"""A person's decision, kept beside the machine's: who, why, and by which directory and rules."""

from typing import Any

from chassis.ids import new_id

from triage_svc.domain.decision import Decision, DecisionId, DecisionKind
from triage_svc.domain.referral import Referral
from triage_svc.store.work import TriageWork


def decide(
    referral: Referral, kind: DecisionKind, outcome: str, evidence: dict[str, Any], work: TriageWork
) -> DecisionId:
    rule = "routing" if kind is DecisionKind.ROUTE else "grades"
    versions = {rule: work.rules.versions[rule], "directory": work.directory.version}
    decision = Decision(
        DecisionId(new_id()), referral.referral_id, kind, outcome, evidence, versions, referral.scope_path, work.now
    )
    work.decisions.put(decision.decision_id, decision)
    return decision.decision_id
