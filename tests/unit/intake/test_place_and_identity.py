"""Where it happened and whose call it is: doubt yields candidates, and only the same caller at the same place links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_svc.domain.call import Call, CallId, CallState, ReferralId
from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.identity import identity_text, names_caller
from intake_svc.domain.personal_data import linking_rules, masking_rules, place_rules
from intake_svc.domain.place import road_of
from intake_svc.domain.reception import match_of
from intake_svc.rules.loading import load_rules, shipped

RULES = load_rules()
AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("address", "station", "area", "street", "road"),
    [
        ("上海市虹口区曲阳路街道曲阳路800弄5号601室", "310109010-PCS1", "310109010", "曲阳路街道", "曲阳路"),
        ("虹口区江湾镇街道场中路22弄", None, "310109019", "江湾镇街道", "场中路"),
        ("上海市虹口区大连西路12号", "310109009-PCS1", "310109009", "欧阳路街道", "大连西路"),
        ("提篮桥街道东长治路1号", None, "310109018", "北外滩街道", "东长治路"),
        (None, "310109011-PCS1", "310109011", "广中路街道", None),
        ("南京西路１号", None, None, None, "南京西路"),
        (None, None, None, None, None),
        (None, "somewhere", None, None, None),
    ],
)
def test_area_street_and_road_are_read(
    address: str | None, station: str | None, area: str | None, street: str | None, road: str | None
) -> None:
    place = RULES.places.place(address, station)
    assert (place.area_code, place.street, place.road) == (area, street, road)
    assert (place.confidence > 0) == (area is not None)


def test_two_named_areas_are_candidates_and_none_is_chosen() -> None:
    place = RULES.places.place("曲阳路街道与广中路街道交界", None)
    assert (place.area_code, place.confidence) == (None, 0.0)
    assert {one.area_code for one in place.candidates} == {"310109010", "310109011"}


def test_a_road_alone_is_a_hint_and_no_answer() -> None:
    place = RULES.places.place("四川北路88号", None)
    assert place.area_code is None
    assert [one.area_code for one in place.candidates] == ["310109017"]


def test_an_address_that_speaks_against_the_station_is_shown_as_such() -> None:
    place = RULES.places.place("四川北路街道四川北路88号", "310109010-PCS1")
    assert place.area_code == "310109017"
    assert [one.area_code for one in place.candidates] == ["310109017", "310109010"]


@given(st.text(st.sampled_from("上海市虹口区曲阳路街道新村弄号室0123456789１２一二三 -"), max_size=40))
def test_a_road_never_carries_a_number(address: str) -> None:
    road = road_of(address)
    assert road is None or not any(character.isdigit() for character in road)


def key(**fields: Any) -> str | None:
    return identity_text("hongkou-110", {"incident_address": "上海市虹口区大连路12弄3号"} | fields, RULES.masking)


def test_the_same_caller_and_place_in_other_spellings_are_one_key() -> None:
    plain = key(caller_phone="13800138000")
    assert plain is not None
    assert key(caller_phone="+86 138-0013-8000") == plain
    assert key(caller_phone="１３８００１３８０００") == plain
    assert key(caller_phone=13800138000) == plain
    assert key(caller_phone="13800138000", incident_address="大连路12弄 3号") == plain
    assert key(caller_phone="13800138000", incident_address="虹口区大连路１２弄３号") == plain


def test_an_exercise_and_a_real_call_are_never_one_dispute() -> None:
    plain = key(caller_phone="13800138000")
    assert key(caller_phone="13800138000", is_drill="1") != plain
    assert key(caller_phone="13800138000", is_drill=True) == key(caller_phone="13800138000", is_drill="Y")
    assert key(caller_phone="13800138000", is_drill="0") == plain


def test_another_caller_place_or_source_is_another_key() -> None:
    plain = key(caller_phone="13800138000")
    assert key(caller_phone="13800138001") != plain
    assert key(caller_phone="13800138000", incident_address="大连路12弄4号") != plain
    other = identity_text("feed", {"incident_address": "大连路12弄3号", "caller_phone": "13800138000"}, RULES.masking)
    assert other != plain


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"caller_name": "匿名"},
        {"caller_name": "王"},
        {"caller_phone": "110"},
        {"caller_phone": "00000000000"},
        {"caller_phone": "13800138000", "incident_address": ""},
        {"caller_phone": "13800138000", "incident_address": None},
        {"caller_phone": "13800138000", "incident_address": "上海市虹口区"},
        {"contact_phone": "13800138000"},
    ],
)
def test_without_a_caller_or_a_place_there_is_no_key(fields: dict[str, Any]) -> None:
    assert key(**fields) is None


def test_a_name_or_a_document_stands_for_the_caller_without_a_phone() -> None:
    assert key(caller_name="王建国") is not None
    assert key(caller_id_no="11010519491231002X") == key(caller_id_no="11010519491231002x")
    assert names_caller({"caller_name": "王建国"}, RULES.masking)
    assert not names_caller({"caller_name": "匿名", "caller_phone": "110"}, RULES.masking)


def a_call(state: CallState, *, minutes: float = 0, identity: bytes | None = b"k") -> Call:
    return Call(
        call_id=CallId(uuid4()),
        source="hongkou-110",
        call_no="1",
        referral_id=ReferralId(uuid4()),
        tracking_code="LD-00000-00000-1",
        state=state,
        version=1,
        reported_at=AT + timedelta(minutes=minutes),
        received_at=AT,
        identity_key=identity,
        opened_at=AT if state is CallState.REFERRED else None,
    )


@pytest.mark.parametrize(
    ("minutes", "is_near"), [(59.99, True), (60, True), (60.01, False), (-60, True), (-60.01, False)]
)
def test_the_window_ends_at_the_hour_on_both_sides(minutes: float, is_near: bool) -> None:
    match = match_of(a_call(CallState.RECEIVED), [a_call(CallState.REFERRED, minutes=minutes)], HOUR)
    assert (match is not None) == is_near


def test_the_nearest_open_referral_is_joined_before_an_undecided_call() -> None:
    near, far = a_call(CallState.AWAITING_SCREENER, minutes=1), a_call(CallState.REFERRED, minutes=30)
    match = match_of(a_call(CallState.RECEIVED), [near, far, a_call(CallState.REFERRED, minutes=50)], HOUR)
    assert match is not None
    assert (match.call, match.can_be_joined) == (far, True)


@pytest.mark.parametrize(
    ("state", "joined"),
    [
        (CallState.REFERRED, True),
        (CallState.AWAITING_SCREENER, False),
        (CallState.RETAINED_BY_POLICE, False),
        (CallState.RECALLED, False),
        (CallState.RETURNED, False),
        (CallState.RECEIVED, None),
        (CallState.LINKED, None),
        (CallState.INVALID, None),
        (CallState.WITHDRAWN, None),
        (CallState.TO_OTHER_BODY, None),
    ],
)
def test_only_an_open_referred_call_is_joined_and_undecided_ones_make_it_wait(
    state: CallState, joined: bool | None
) -> None:
    match = match_of(a_call(CallState.RECEIVED), [a_call(state)], HOUR)
    assert (match.can_be_joined if match else None) == joined


def test_a_call_without_a_key_matches_nothing() -> None:
    assert (
        match_of(a_call(CallState.RECEIVED, identity=None), [a_call(CallState.REFERRED, identity=None)], HOUR) is None
    )


@pytest.mark.parametrize(
    ("build", "name", "change", "says"),
    [
        (place_rules, "places", {"sure_from": 2}, "sure_from"),
        (place_rules, "places", {"weights": {"named": 1}}, "weights.station"),
        (place_rules, "places", {"areas": [{"code": 310109009}]}, r"areas\[0\].code"),
        (place_rules, "places", {"areas": [{"code": "31"}]}, "nine digits"),
        (linking_rules, "linking", {"duplicate_window_seconds": "1h"}, "duplicate_window_seconds"),
        (linking_rules, "linking", {"window": 1}, "unknown entry window"),
        (masking_rules, "masking", {"fields": {"caller_name": "PERSON"}}, "PERSON"),
    ],
)
def test_rule_data_that_cannot_be_used_is_refused_by_name(build: Any, name: str, change: Any, says: str) -> None:
    with pytest.raises(RuleDataError, match=says):
        build(shipped(name) | change)
