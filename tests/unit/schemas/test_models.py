"""Producers are strict, consumers pass over what they do not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError
from referral_schemas import (
    agreements,
    envelope,
    feedback,
    followup,
    handling,
    intake,
    mediation,
    partners,
    police,
    police_decisions,
    shared_facts,
    triage,
    visits,
    vocabulary,
)
from referral_schemas.followup import WatchOpened
from referral_schemas.intake import CallLinked, Counters, LinkKind, ReferralOpened
from referral_schemas.publishing import PUBLISHED
from referral_schemas.registry import EVENTS, INBOUND, NOTICES
from referral_schemas.triage import Category, ClockSet, Grade, Office, ReferralDispatched

GOLDEN = Path(__file__).parents[2] / "contract" / "examples"
EVERYTHING = sorted(GOLDEN.glob("*/*.json"))
AT = datetime(2026, 3, 14, 12, 41, tzinfo=UTC)
ID = UUID("01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")
MODULES = (
    *(vocabulary, shared_facts, intake, police_decisions, feedback, triage, handling),
    *(mediation, agreements, followup, visits, partners, police),
)
PARTS = sorted(
    {
        model
        for module in MODULES
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, envelope.Part) and model.__module__ == module.__name__
    },
    key=lambda model: f"{model.__module__}.{model.__name__}",
)
SEVERAL = {
    "deadline_set": "clocks",
    "deadline_met": "clocks",
    "deadline_breached": "clock, key?, due_at, rule, calendar",
}
# Typed by hand from CONTRACTS §1; "?" may be null.
CONTRACT = {
    "cn.liandong.intake.referral_opened.v1": (
        "call_id, source, call_no, tracking_code, reported_at, received_at, narrative?, redacted, place, "
        "station_code?, source_category?, flags, parties, screening, previous_referral_id?"
    ),
    "cn.liandong.intake.call_linked.v1": (
        "call_id, source, call_no, kind, reported_at, narrative?, redacted, counters"
    ),
    "cn.liandong.triage.referral_classified.v1": (
        "category, confidence, runner_up?, grade, review, reasons, decision_id, versions"
    ),
    "cn.liandong.triage.referral_dispatched.v1": "office, hop, decision_id, clocks",
    "cn.liandong.followup.watch_opened.v1": "cycle, opened_at",
    "cn.liandong.intake.call_corrected.v1": "call_id, source, call_no, version, changed",
    "cn.liandong.intake.block_set.v1": "code, set_by, call_id?, at",
    "cn.liandong.intake.block_lifted.v1": "code, lifts, by, at",
    "cn.liandong.intake.return_decided.v1": "decision, decided_at",
    "cn.liandong.intake.referred_again.v1": "hop",
    "cn.liandong.intake.call_withdrawn.v1": "call_id, source, call_no",
    "cn.liandong.intake.feedback_delivered.v1": "milestone, fact_id, awaits_acknowledgement, delivered_at",
    "cn.liandong.intake.feedback_acknowledged.v1": "milestone, fact_id, acknowledged_at",
    "cn.liandong.intake.feedback_failed.v1": "milestone, fact_id, reason",
    "cn.liandong.intake.feedback_waived.v1": "milestone, fact_id, by, reason",
    "cn.liandong.triage.referral_reclassified.v1": "category, previous, grade, decision_id, reason",
    "cn.liandong.triage.grade_changed.v1": "grade, previous, cause, approved_by?",
    "cn.liandong.triage.referral_signed.v1": "office_code, hop, signed_at",
    "cn.liandong.triage.party_contacted.v1": "hop, contacted_at, channel, parties",
    "cn.liandong.triage.return_requested.v1": "hop, reason, addressee",
    "cn.liandong.triage.return_refused.v1": "hop, reason",
    "cn.liandong.triage.referral_ended.v1": "end, body_code?, remedies_informed_at?, hop",
    "cn.liandong.triage.handed_to_mediation.v1": (
        "committee, room_code?, mediator_code?, category, grade, parties, hop"
    ),
    "cn.liandong.mediation.case_opened.v1": "committee_code, cycle",
    "cn.liandong.mediation.case_accepted.v1": "file_no, accepted_at, clocks",
    "cn.liandong.mediation.mediator_assigned.v1": "mediator_codes, chosen_by",
    "cn.liandong.mediation.meeting_held.v1": "number, held_at",
    "cn.liandong.mediation.case_suspended.v1": "reason",
    "cn.liandong.mediation.case_resumed.v1": "",
    "cn.liandong.mediation.agreement_reached.v1": "form, agreement_no",
    "cn.liandong.mediation.agreement_effective.v1": (
        "agreement_no, form, effective_at, obligations, confirmation_deadline?"
    ),
    "cn.liandong.mediation.obligation_performed.v1": "obligation_id, performed_at, all_performed",
    "cn.liandong.mediation.obligation_breached.v1": "obligation_ids, found_by",
    "cn.liandong.mediation.breach_told.v1": "obligation_ids, remedies_informed_at",
    "cn.liandong.mediation.case_terminated.v1": "reason, remedies_informed_at",
    "cn.liandong.mediation.case_reopened.v1": "reason, cycle",
    "cn.liandong.mediation.case_filed.v1": "file_no, volume",
    "cn.liandong.mediation.escalated_to_police.v1": "receipt, reason, at",
    "cn.liandong.followup.plan_changed.v1": "cycle, plan_version, reason, visits",
    "cn.liandong.followup.visit_recorded.v1": (
        "visit_id, visited_at, channel, reached, performance, satisfaction?, proposed_grade?, outcome"
    ),
    "cn.liandong.followup.visit_waived.v1": "visit_id, reason, by",
    "cn.liandong.followup.referral_escalated.v1": "level, reason, clock?",
    "cn.liandong.followup.supervision_ordered.v1": "order_id, addressee, due_at, reason",
    "cn.liandong.followup.supervision_answered.v1": "order_id, answered_at",
    "cn.liandong.followup.referral_reopened.v1": "cycle, target, reason",
    "cn.liandong.followup.referral_closed.v1": "cycle, outcome, closed_at, positions",
    **{
        f"cn.liandong.{service}.{fact}.v1": fields
        for service in ("intake", "triage", "mediation", "followup")
        for fact, fields in SEVERAL.items()
    },
    **{
        f"cn.liandong.{service}.referral_halted.v1": "urgent_event_id, at"
        for service in ("triage", "mediation", "followup")
    },
}
PARTNER_BODY = "category?, grade?, area_code?, office_code?, state, cycle, version, at"
TOLD = {
    **{
        f"cn.liandong.referral.{step}.v1": ("referrals.v1", PARTNER_BODY)
        for step in ["opened", "dispatched", "signed", "accepted", "agreed", "ended", "closed", "reopened", "returned"]
    },
    "cn.liandong.referral.status.v1": ("referral-status.v1", f"{PARTNER_BODY}, as_of"),
    "cn.liandong.police.milestone.v1": (
        "police.feedback.v1",
        "source, call_no, tracking_code, milestone, outcome?, at, version, awaits_acknowledgement",
    ),
}
PART_CONTRACT = {
    "Place": "area_code?, street?, community?, road?, confidence, candidates, sealed?",
    "Flags": "dual_track, duty_unclear, confidential, is_drill",
    "Party": "party_id, role",
    "Screening": "rule_version, outcome",
    "Counters": "calls, duplicates, repeats",
    "Office": "code, name",
    "ClockSet": "clock, due_at, rule, calendar, key?",
    "ClockMet": "clock, key?, met_at",
    "Committee": "code, name",
    "Obligation": "obligation_id, kind, due_on?",
    "PlannedVisit": "visit_id, number, due_at, channel, mandatory",
    "PerformanceSeen": "obligation_id, state",
}
ENUMS = {
    Category: "family neighbour medical marital other",
    Grade: "red orange yellow blue",
    LinkKind: "duplicate repeat mass",
    vocabulary.PartyRole: "caller applicant respondent other",
    vocabulary.Milestone: "signed accepted result closed",
    vocabulary.AgreementForm: "oral written",
    intake.SetBy: "rule police",
    intake.ReturnDecision: "refer_again retain to_other_body",
    triage.GradeCause: "calls visit person",
    triage.Channel: "phone in_person other",
    triage.Addressee: "district police",
    triage.End: "no_consent self_resolved back_to_police to_other_body",
    mediation.ChosenBy: "committee parties",
    mediation.FoundBy: "clock party visit",
    followup.PerformanceState: "performed partly not_performed",
    followup.VisitOutcome: "settled continues reopen escalate",
    followup.ReopenTarget: "triage mediation",
}


def fields_of(model: type[BaseModel]) -> str:
    return ", ".join(f"{name}{'' if field.is_required() else '?'}" for name, field in model.model_fields.items())


def with_strangers(data: Any) -> Any:
    """The same data with an unknown field in every object."""
    if isinstance(data, Mapping):
        return {**{name: with_strangers(value) for name, value in data.items()}, "from_the_future": {"x": [1]}}
    return [with_strangers(value) for value in data] if isinstance(data, list) else data


def objects_in(data: Any, model: type[BaseModel]) -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    """Every object of the body with the model it belongs to."""
    yield model, data
    for name, field in model.model_fields.items():
        inner = [kind for kind in (field.annotation, *get_args(field.annotation)) if kind in PARTS]
        value = data.get(name)
        values = value if isinstance(value, list) else [value] if value is not None else []
        for part in inner:
            for value in values:
                yield from objects_in(value, part)


def test_the_events_are_those_of_the_contract_field_by_field() -> None:
    assert {event_type: fields_of(model) for event_type, model in EVENTS.items()} == CONTRACT


def test_what_outsiders_are_told_is_that_of_the_contract_and_no_stream_event() -> None:
    assert {name: (notice.topic, fields_of(notice.model)) for name, notice in NOTICES.items()} == TOLD
    assert not EVENTS.keys() & NOTICES.keys()


def test_what_sources_say_is_that_of_the_contract() -> None:
    said = {name: (one.topic, fields_of(one.model)) for name, one in INBOUND.items()}
    confirmed = "source, call_no, milestone, version"
    assert said == {"cn.liandong.police.milestone_confirmed.v1": ("police.calls.v1", confirmed)}


def test_their_parts_are_those_of_the_contract() -> None:
    present = {model.__name__: fields_of(model) for model in PARTS if model.__name__ in PART_CONTRACT}
    assert {name: present[name] for name in PART_CONTRACT} == PART_CONTRACT


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_an_enum_carries_the_wire_values_of_the_contract(enum: type[StrEnum]) -> None:
    assert [*enum] == ENUMS[enum].split()


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_a_type_says_in_both_languages_what_it_means(event_type: str) -> None:
    apart = {**NOTICES, **INBOUND}
    means = apart[event_type].means if event_type in apart else EVENTS[event_type].MEANS
    chinese, _, english = means.partition(" · ")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
    assert english.strip()
    assert english.isascii()


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_the_published_examples_of_the_fields_make_an_event(event_type: str) -> None:
    model = PUBLISHED[event_type]
    assert model.parse(model.example().model_dump_json().encode()) == model.example()


def test_only_a_block_is_urgent() -> None:
    assert [name for name, model in EVENTS.items() if model.URGENT] == ["cn.liandong.intake.block_set.v1"]


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_consumer_passes_over_unknown_fields_at_every_depth(path: Path) -> None:
    model, body = PUBLISHED[path.parent.name], json.loads(path.read_text(encoding="utf-8"))["body"]
    maps: dict[str, Any] = {
        name: {} for name in ("versions", "positions") if name in body
    }  # a further name there is no unknown field
    body |= maps
    strange = with_strangers(body) | maps
    assert model.parse(json.dumps(strange).encode()) == model.parse(json.dumps(body).encode())


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_producer_cannot_add_a_field_at_any_depth(path: Path) -> None:
    model, body = PUBLISHED[path.parent.name], json.loads(path.read_text(encoding="utf-8"))["body"]
    seen = 0
    for _, inner in list(objects_in(body, model)):
        inner["from_the_future"] = 1
        with pytest.raises(ValidationError, match="Extra inputs"):
            model.model_validate_json(json.dumps(body))
        del inner["from_the_future"]
        seen += 1
    assert seen >= 1
    model.model_validate_json(json.dumps(body))


@pytest.mark.parametrize("model", PARTS, ids=lambda model: f"{model.__module__.rpartition('.')[2]}.{model.__name__}")
def test_every_field_is_described_in_both_languages_with_an_example_that_it_accepts(model: type[BaseModel]) -> None:
    examples = {}
    for name, field in model.model_fields.items():
        assert field.description is not None, name
        chinese, _, english = field.description.partition(" · ")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese), name
        assert english, name
        assert english.isascii(), name
        assert field.examples, name
        examples[name] = field.examples[0]
    model.model_validate_json(json.dumps(examples))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        WatchOpened(cycle=1, opened_at=datetime(2026, 3, 14))  # noqa: DTZ001
    with pytest.raises(ValidationError, match="timezone"):
        WatchOpened.parse(b'{"cycle":1,"opened_at":"2026-03-14T12:00:00"}')


def test_an_instant_of_another_zone_travels_as_utc() -> None:
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    assert (
        WatchOpened(cycle=1, opened_at=shanghai).model_dump_json() == '{"cycle":1,"opened_at":"2026-03-14T12:41:00Z"}'
    )
    assert WatchOpened.parse(b'{"cycle":1,"opened_at":"2026-03-14T20:41:00+08:00"}').opened_at.tzinfo is UTC


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b'{"cycle":1}',
        b'{"cycle":"1","opened_at":"2026-03-14T12:00:00Z"}',
        b'{"cycle":0,"opened_at":"2026-03-14T12:00:00Z"}',
        b'{"cycle":null,"opened_at":"2026-03-14T12:00:00Z"}',
    ],
)
def test_a_consumer_refuses_a_body_that_breaks_the_contract(body: bytes) -> None:
    with pytest.raises(ValidationError):
        WatchOpened.parse(body)


def test_a_producer_may_give_lists_and_leave_nullable_fields_out() -> None:
    clock = ClockSet(clock="sign_for", due_at=AT, rule="clocks-2026.1", calendar="cn-2026.1")
    event = ReferralDispatched(
        office=Office(code="310109010-SFS", name="曲阳路司法所"),
        hop=1,
        decision_id=ID,
        clocks=[clock],  # type: ignore[arg-type]
    )
    assert event.clocks == (clock,)
    linked = CallLinked(
        call_id=ID,
        source="feed",
        call_no="td-0001",
        kind=LinkKind.REPEAT,
        reported_at=AT,
        redacted=True,
        counters=Counters(calls=2, duplicates=0, repeats=1),
    )
    assert json.loads(linked.model_dump_json())["narrative"] is None


def test_an_event_does_not_change() -> None:
    event = WatchOpened(cycle=1, opened_at=AT)
    with pytest.raises(ValidationError, match="frozen"):
        event.cycle = 2  # type: ignore[misc]


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_event_names_the_earlier_referral_and_no_other(path: Path) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))["body"]
    earlier = body.get("previous_referral_id")
    named = PUBLISHED[path.parent.name].parse(json.dumps(body).encode()).named_referrals()
    assert named == ((UUID(earlier),) if earlier else ())


@pytest.mark.parametrize("code", ["7K3M9QX2TB", "LD-7K3M9-QX2TB", "LD-7K3M9-QX2TU-J", "ld-7k3m9-qx2tb-j"])
def test_a_tracking_code_travels_as_it_is_shown(code: str) -> None:
    body = json.loads((GOLDEN / ReferralOpened.TYPE / "everything.json").read_text(encoding="utf-8"))["body"]
    with pytest.raises(ValidationError, match="tracking_code"):
        ReferralOpened.parse(json.dumps(body | {"tracking_code": code}).encode())


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_an_instant_that_utc_cannot_tell_is_malformed_and_no_surprise(text: str) -> None:
    told = WatchOpened.example().model_dump(mode="json") | {"opened_at": text}
    with pytest.raises(ValidationError):
        WatchOpened.parse(json.dumps(told).encode())
