"""Producers are strict, consumers pass over what they do not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError
from referral_schemas import envelope, followup, intake, triage
from referral_schemas.followup import WatchOpened
from referral_schemas.intake import CallLinked, Counters, LinkKind, ReferralOpened
from referral_schemas.registry import EVENTS
from referral_schemas.triage import Category, ClockSet, Grade, Office, ReferralDispatched

GOLDEN = Path(__file__).parents[2] / "contract" / "examples"
EVERYTHING = sorted(GOLDEN.glob("*/*.json"))
AT = datetime(2026, 3, 14, 12, 41, tzinfo=UTC)
ID = UUID("01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")
PARTS = sorted(
    {
        model
        for module in (intake, triage, followup)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, envelope.Part) and model.__module__ == module.__name__
    },
    key=lambda model: model.__name__,
)
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
}
PART_CONTRACT = {
    "Place": "area_code?, street?, community?, road?, confidence, candidates, sealed?",
    "Flags": "dual_track, duty_unclear, confidential, is_drill",
    "Party": "party_id, role",
    "Screening": "rule_version, outcome",
    "Counters": "calls, duplicates, repeats",
    "Office": "code, name",
    "ClockSet": "clock, due_at, rule, calendar",
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
        values = data[name] if isinstance(data[name], list) else [data[name]]
        for part in inner:
            for value in values:
                yield from objects_in(value, part)


def test_the_events_are_those_of_the_contract_field_by_field() -> None:
    assert {event_type: fields_of(model) for event_type, model in EVENTS.items()} == CONTRACT


def test_their_parts_are_those_of_the_contract() -> None:
    present = {model.__name__: fields_of(model) for model in PARTS}
    assert {name: present[name] for name in PART_CONTRACT} == PART_CONTRACT


def test_enums_carry_the_wire_values_of_the_contract() -> None:
    assert [*Category] == ["family", "neighbour", "medical", "marital", "other"]
    assert [*Grade] == ["red", "orange", "yellow", "blue"]
    assert [*LinkKind] == ["duplicate", "repeat", "mass"]


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_consumer_passes_over_unknown_fields_at_every_depth(path: Path) -> None:
    model, body = EVENTS[path.parent.name], json.loads(path.read_text(encoding="utf-8"))["body"]
    if "versions" in body:
        body["versions"] = {}  # a map of names to versions: a further name there is no unknown field
    strange = with_strangers(body)
    if "versions" in body:
        strange["versions"] = {}
    assert model.parse(json.dumps(strange).encode()) == model.parse(json.dumps(body).encode())


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_producer_cannot_add_a_field_at_any_depth(path: Path) -> None:
    model, body = EVENTS[path.parent.name], json.loads(path.read_text(encoding="utf-8"))["body"]
    seen = 0
    for _, inner in list(objects_in(body, model)):
        inner["from_the_future"] = 1
        with pytest.raises(ValidationError, match="Extra inputs"):
            model.model_validate_json(json.dumps(body))
        del inner["from_the_future"]
        seen += 1
    assert seen >= 1
    model.model_validate_json(json.dumps(body))


@pytest.mark.parametrize("model", PARTS, ids=lambda model: model.__name__)
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
    named = EVENTS[path.parent.name].parse(json.dumps(body).encode()).named_referrals()
    assert named == ((UUID(earlier),) if earlier else ())


@pytest.mark.parametrize("code", ["7K3M9QX2TB", "LD-7K3M9-QX2TB", "LD-7K3M9-QX2TU-J", "ld-7k3m9-qx2tb-j"])
def test_a_tracking_code_travels_as_it_is_shown(code: str) -> None:
    body = json.loads((GOLDEN / ReferralOpened.TYPE / "everything.json").read_text(encoding="utf-8"))["body"]
    with pytest.raises(ValidationError, match="tracking_code"):
        ReferralOpened.parse(json.dumps(body | {"tracking_code": code}).encode())
