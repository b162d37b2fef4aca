"""A referral begins: it is judged, its office is found, and it is dispatched, or a person looks first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from chassis.ids import new_id

from triage_svc.domain.decision import Decision, DecisionId, DecisionKind
from triage_svc.domain.directory import Directory, Organisation, area_path
from triage_svc.domain.referral import Referral, ReferralId, Verdict
from triage_svc.domain.routing import Outcome, Place, Routing
from triage_svc.rules.loading import Rulebook
from triage_svc.use_cases.judge import Judgement, find_office, judge, judged_by, routed_by


@dataclass(frozen=True, slots=True)
class OpenReferral:
    """`text` is the masked narrative, empty when redacted; `on` is the day whose rules and pairings hold."""

    referral_id: ReferralId
    text: str
    place: Place
    source: str
    on: date


@dataclass(frozen=True, slots=True)
class Opened:
    referral: Referral
    judgement: Judgement
    routing: Routing
    judging: Decision
    finding: Decision


def open_referral(command: OpenReferral, rules: Rulebook, directory: Directory, *, at: datetime) -> Opened:
    """In memory. Dispatched where nothing blocks and one office is found; else under review, with the reason."""
    judgement = judge(command.text, rules, on=command.on)
    category = judgement.classification.category
    routing = find_office(command.place, category, rules, directory, on=command.on)
    if judgement.blocks:
        routing = _held_back(routing, judgement)
    referral = _begun(command, judgement, routing, directory, at)
    decide = _Decider(command.referral_id, referral.scope_path, at)
    evidence, versions = routing_evidence(routing, command.place), routed_by(rules, directory)
    return Opened(
        referral,
        judgement,
        routing,
        judging=decide(DecisionKind.CLASSIFY, category, judging_evidence(judgement), judged_by(rules)),
        finding=decide(DecisionKind.ROUTE, routing.outcome, evidence, versions),
    )


def _begun(
    command: OpenReferral, judgement: Judgement, routing: Routing, directory: Directory, at: datetime
) -> Referral:
    verdict = Verdict(judgement.classification.category, judgement.grading.grade, judgement.needs_review)
    sender = directory.unit_that_sent(command.source)
    scope_path = _scope(routing, directory, sender)
    referral = Referral.open(command.referral_id, verdict, responsible_code=sender, at=at, scope_path=scope_path)
    if routing.office is None:
        return referral.put_under_review(routing.reason)
    return referral.dispatch(routing.office.code, at=at)


def _held_back(routing: Routing, judgement: Judgement) -> Routing:
    """The candidates stay for the person who looks; nobody is told before that."""
    reason = "blocked:" + ",".join(block.code for block in judgement.blocks)
    return replace(routing, outcome=Outcome.REVIEW, reason=reason, office=None, second_stage=None)


@dataclass(frozen=True, slots=True)
class _Decider:
    referral_id: ReferralId
    scope_path: str
    at: datetime

    def __call__(
        self, kind: DecisionKind, outcome: str, evidence: Mapping[str, Any], versions: Mapping[str, str]
    ) -> Decision:
        decision_id = DecisionId(new_id())
        return Decision(decision_id, self.referral_id, kind, outcome, evidence, versions, self.scope_path, self.at)


def _scope(routing: Routing, directory: Directory, responsible_code: str) -> str:
    """The office's own area; what has no office belongs to the district of the unit that sent the call."""
    unit = routing.office or directory.organisations.get(responsible_code)
    return area_path(unit.area_code) if unit else ""


def judging_evidence(judgement: Judgement) -> dict[str, Any]:
    found = judgement.classification
    return {
        "confidence": found.confidence,
        "runner_up": found.runner_up,
        "review": judgement.needs_review,
        "reasons": [
            {"category": one.category, "weight": one.weight, "matched": list(one.matched)} for one in found.reasons
        ],
        "grade": judgement.grading.grade,
        "factors": [
            {"code": one.code, "grade": one.grade, "reason": one.reason, "matched": list(one.matched)}
            for one in judgement.grading.fired
        ],
        "blocks": [{"code": one.code, "reason": one.reason, "matched": list(one.matched)} for one in judgement.blocks],
    }


def routing_evidence(routing: Routing, place: Place) -> dict[str, Any]:
    return {
        "reason": routing.reason,
        "office": _named(routing.office),
        "second_stage": _named(routing.second_stage),
        "candidates": [
            {"code": one.code, "name": one.name, "score": one.score, "reason": one.reason} for one in routing.candidates
        ],
        "station_code": place.station_code,
        "area_code": place.area_code,
    }


def _named(organisation: Organisation | None) -> dict[str, str] | None:
    return {"code": organisation.code, "name": organisation.name} if organisation else None
