"""Every state that is not final has a way out, somebody whose turn it is, and a clock that notices when nobody comes.

Typed by hand from CONTRACTS §3, §4 and §6. Whose turn it is must be somebody who may call the service that owns the
state (its committed OpenAPI document), and the clock one that its owner's rules know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml
from followup_svc.domain.visit import VISIT_TRANSITIONS, VisitState
from followup_svc.domain.watch import WATCH_TRANSITIONS, WatchState
from followup_svc.use_cases import clocks as followup_clocks
from intake_svc.domain import call
from mediation_svc.domain import limits
from mediation_svc.domain import states as case
from triage_svc.domain import states as referral

ROOT = Path(__file__).resolve().parents[2]
FINAL: tuple[str, str] = ("", "")
MACHINE = "the service itself"  # left in the transaction, or by the worker that takes it up


@dataclass(frozen=True)
class Product:
    service: str
    states: type[StrEnum]
    moves: Mapping[tuple[Any, Any], Any]
    turns: Mapping[str, tuple[str, str]]  # state → (whose turn, "owner of the clock:clock")


CALL = {
    "received": (MACHINE, "intake:screen"),
    "awaiting_screener": ("screener", "intake:screen"),
    "retained_by_police": ("police_officer", "intake:retained"),
    "referred": ("source_system", "triage:sign_for"),
    "linked": ("source_system", "triage:sign_for"),  # of the referral that it joined
    "recalled": ("police_officer", "intake:retained"),  # no command leads here before recall is built
    "returned": ("police_officer", "intake:return_answer"),
    "to_other_body": FINAL,
    "invalid": FINAL,
    "withdrawn": FINAL,
}
REFERRAL = {
    "opened": (MACHINE, "triage:dispatch"),
    "under_review": ("dispatcher", "triage:dispatch"),
    "blocked": ("dispatcher", "triage:dispatch"),
    "dispatched": ("office_clerk", "triage:sign_for"),
    "signed": ("office_clerk", "triage:first_contact"),
    "contacted": ("office_clerk", "triage:settle"),
    "return_requested": ("dispatcher", "triage:return_answer"),
    # handed on: the case's limits, then the visits of followup, which alone closes
    "handed_to_mediation": ("dispatcher", "mediation:accept_or_decline"),
    "no_consent": ("dispatcher", "followup:visit"),
    "self_resolved": ("dispatcher", "followup:visit"),
    "back_to_police": ("dispatcher", "intake:return_answer"),
    "to_other_body": ("dispatcher", "followup:visit"),
}
CASE = {
    "applied": (MACHINE, "mediation:accept_or_decline"),
    "consent_pending": ("mediator", "mediation:accept_or_decline"),
    "accepted": ("committee_head", "mediation:general_limit"),
    "assigned": ("mediator", "mediation:general_limit"),
    "informed": ("mediator", "mediation:general_limit"),
    "in_mediation": ("mediator", "mediation:general_limit"),
    "suspended": ("mediator", "mediation:general_limit"),
    "agreed_oral": (MACHINE, "mediation:general_limit"),
    "agreed_written": ("mediator", "mediation:general_limit"),
    "effective": ("mediator", "mediation:performance"),
    "performing": ("mediator", "mediation:performance"),
    "breached": ("mediator", "followup:escalation"),
    "performed": ("committee_head", "followup:visit"),
    "breached_told": ("committee_head", "followup:visit"),
    "terminated": ("committee_head", "followup:visit"),
    "filed": ("mediator", "mediation:confirmation_window"),  # kept, and may be opened again in a new volume
    "reopened": (MACHINE, "mediation:accept_or_decline"),
}
WATCH = {
    "watching": ("bureau_supervisor", "triage:sign_for"),
    "anchored": ("visitor", "followup:visit"),
    "closed": ("bureau_supervisor", "mediation:confirmation_window"),  # left only by reopening
}
VISIT = {
    "planned": ("visitor", "followup:visit_due"),
    "due": ("visitor", "followup:visit"),
    "unreachable": ("visitor", "followup:next_try"),
    "done": FINAL,
    "waived": FINAL,
    "cancelled": FINAL,
}
PRODUCTS = {
    "call": Product("intake", call.CallState, call.TRANSITIONS, CALL),
    "referral": Product("triage", referral.State, referral.TRANSITIONS, REFERRAL),
    "case": Product("mediation", case.CaseState, case.TRANSITIONS, CASE),
    "watch": Product("followup", WatchState, WATCH_TRANSITIONS, WATCH),
    "visit": Product("followup", VisitState, VISIT_TRANSITIONS, VISIT),
}
each_product = pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)


def clocks_known() -> set[str]:
    """As the services' own rules and code name them."""
    known = {f"mediation:{clock}" for clock in limits.Clock} | {f"triage:{clock}" for clock in referral.Clock}
    known |= {f"followup:{clock}" for clock in (*followup_clocks.VISIT_CLOCKS, followup_clocks.ESCALATION)}
    rules = ROOT / "services/intake-svc/src/intake_svc/rules/clocks.yaml"
    return known | {f"intake:{clock}" for clock in yaml.safe_load(rules.read_text(encoding="utf-8"))["clocks"]}


def who_may_act(service: str) -> set[str]:
    document = json.loads((ROOT / f"schemas/openapi/{service}.json").read_text(encoding="utf-8"))
    commands = [path["post"] for path in document["paths"].values() if "post" in path]
    return {role for command in commands for role in command.get("x-roles", ())}


def dead_ends(product: Product) -> list[str]:
    found = [f"{state} is not in the table" for state in {str(state) for state in product.states} ^ {*product.turns}]
    for state, (turn, clock) in product.turns.items():
        ways_out = {str(target) for (at, _), target in product.moves.items() if at == state} - {state}
        if (turn, clock) == FINAL:
            found += [f"{state} is final and left by {way}" for way in ways_out]
        else:
            found += [] if ways_out else [f"{state} has no way out"]
            found += [] if turn == MACHINE or turn in who_may_act(product.service) else [f"{state}: nobody is {turn}"]
            found += [] if clock in clocks_known() else [f"{state}: there is no clock {clock}"]
    return found


@each_product
def test_every_state_that_is_not_final_has_a_clock_an_owner_and_a_way_out(product: Product) -> None:
    assert dead_ends(product) == []


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (("gardener", "triage:sign_for"), "signed: nobody is gardener"),
        (("office_clerk", "triage:tea_time"), "signed: there is no clock triage:tea_time"),
    ],
)
def test_the_test_sees_a_state_that_nobody_owns_or_no_clock_watches(turn: tuple[str, str], said: str) -> None:
    product = PRODUCTS["referral"]
    assert dead_ends(Product("triage", product.states, product.moves, {**REFERRAL, "signed": turn})) == [said]


def test_the_test_sees_a_state_without_a_way_out() -> None:
    product = PRODUCTS["case"]
    moves = {move: target for move, target in product.moves.items() if move[0] != "suspended"}
    assert dead_ends(Product("mediation", product.states, moves, CASE)) == ["suspended has no way out"]
