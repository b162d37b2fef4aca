"""The checker of compatibility, tried on changes of a model that was released."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, Field, create_model
from referral_schemas.compatibility import Breach, breaches
from referral_schemas.envelope import Part, PublicEvent
from referral_schemas.publishing import document, generate, incompatibilities
from referral_schemas.registry import EVENTS


class Toy(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.toy.tried.v1"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class RedAlone(StrEnum):
    RED = "red"


class WithGreen(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


class Spot(Part):
    road: str
    lane: str | None = None


class SpotWithHouse(Part):
    road: str
    lane: str | None = None
    house: str | None = None


class SpotWithoutLane(Part):
    road: str


Fields = dict[str, Any]
RELEASED: Fields = {
    "code": (str, ...),
    "note": (str | None, None),
    "count": (Annotated[int, Field(ge=0)], ...),
    "at": (AwareDatetime, ...),
    "colour": (Colour, ...),
    "shade": (Colour | None, None),
    "unit": (Literal["h"], ...),
    "spot": (Spot, ...),
    "spots": (tuple[Spot, ...], ...),
    "versions": (dict[str, str], ...),
}


def model_with(fields: Fields) -> type[PublicEvent]:
    return create_model("Toy", __base__=Toy, **fields)


def found(present: Fields, released: Path) -> list[str]:
    generate({Toy.TYPE: model_with(RELEASED)}, released)
    return list(incompatibilities({Toy.TYPE: model_with(present)}, released))


def without(name: str) -> Fields:
    return {field: kind for field, kind in RELEASED.items() if field != name}


INCOMPATIBLE: dict[str, tuple[Fields, str]] = {
    "a field removed": (without("code"), "code: field removed"),
    "a nullable field removed": (without("note"), "note: field removed"),
    "a field renamed": (without("note") | {"remark": (str | None, None)}, "note: field removed"),
    "a field of a part removed": (RELEASED | {"spot": (SpotWithoutLane, ...)}, "spot.lane: field removed"),
    "a field of a listed part removed": (
        RELEASED | {"spots": (tuple[SpotWithoutLane, ...], ...)},
        "spots[].lane: field removed",
    ),
    "a required field added": (RELEASED | {"hop": (int, ...)}, "hop: new required field"),
    "a nullable but required field added": (RELEASED | {"hop": (int | None, ...)}, "hop: new required field"),
    "an optional field required": (RELEASED | {"note": (str | None, ...)}, "note: optional became required"),
    "a required field optional": (RELEASED | {"code": (str, "x")}, "code: required became optional"),
    "null forbidden": (RELEASED | {"shade": (Colour, Colour.RED)}, "shade: nullable became not nullable"),
    "null allowed": (RELEASED | {"code": (str | None, ...)}, "code: became nullable"),
    "an enum narrowed": (RELEASED | {"colour": (RedAlone, ...)}, "colour: "),
    "an enum widened": (RELEASED | {"colour": (WithGreen, ...)}, "colour: enum widened by green"),
    "a nullable enum widened": (RELEASED | {"shade": (WithGreen | None, None)}, "shade: enum widened by green"),
    "text narrowed to an enum": (RELEASED | {"code": (Colour, ...)}, "code: narrowed to an enum"),
    "an enum opened to any text": (RELEASED | {"colour": (str, ...)}, "colour: enum taken away"),
    "a type changed": (RELEASED | {"code": (int, ...)}, "code: type changed: string → integer"),
    "a type narrowed": (
        RELEASED | {"versions": (dict[str, int], ...)},
        "versions{}: type changed: string → integer",
    ),
    "a format changed": (RELEASED | {"code": (UUID, ...)}, "code: format changed: absent → uuid"),
    "a const changed": (RELEASED | {"unit": (Literal["d"], ...)}, "unit: const changed: h → d"),
    "a limit tightened": (RELEASED | {"count": (Annotated[int, Field(ge=1)], ...)}, "count: minimum changed: 0 → 1"),
    "a limit dropped": (RELEASED | {"count": (int, ...)}, "count: minimum changed: 0 → absent"),
    "a list instead of one": (RELEASED | {"spot": (tuple[Spot, ...], ...)}, "spot: type changed: object → array"),
    "alternatives": (RELEASED | {"code": (str | int, ...)}, "code: number of alternatives changed"),
}

COMPATIBLE: dict[str, Fields] = {
    "nothing": RELEASED,
    "an optional field added": RELEASED | {"hop": (int | None, None)},
    "an optional part added": RELEASED | {"place": (Spot | None, None)},
    "an optional field added to a part": RELEASED | {"spot": (SpotWithHouse, ...)},
    "an optional field added to a listed part": RELEASED | {"spots": (tuple[SpotWithHouse, ...], ...)},
    "a description and an example": RELEASED
    | {"code": (Annotated[str, Field(description="代码", examples=["a"])], ...)},
    "another order": dict(reversed(RELEASED.items())),
}


@pytest.mark.parametrize("edit", INCOMPATIBLE)
def test_an_incompatible_edit_is_found_with_field_and_rule(edit: str, tmp_path: Path) -> None:
    present, expected = INCOMPATIBLE[edit]
    assert any(line.startswith(f"{Toy.TYPE}: {expected}") for line in found(present, tmp_path)), found(
        present, tmp_path
    )


@pytest.mark.parametrize("edit", COMPATIBLE)
def test_a_compatible_edit_is_let_through(edit: str, tmp_path: Path) -> None:
    assert found(COMPATIBLE[edit], tmp_path) == []


def test_a_released_type_may_not_disappear(tmp_path: Path) -> None:
    generate({Toy.TYPE: model_with(RELEASED)}, tmp_path)
    assert list(incompatibilities({}, tmp_path)) == [f"{Toy.TYPE}: released type removed"]


def test_a_new_type_beside_the_released_ones_is_let_through(tmp_path: Path) -> None:
    generate({Toy.TYPE: model_with(RELEASED)}, tmp_path)
    models = {Toy.TYPE: model_with(RELEASED), **EVENTS}
    assert list(incompatibilities(models, tmp_path)) == []


Edit = Callable[[dict[str, Any]], object]
REAL_EDITS: dict[str, tuple[str, Edit, Breach]] = {
    "the road is dropped": (
        "cn.liandong.intake.referral_opened.v1",
        lambda schema: schema["$defs"]["Place"]["properties"].pop("road"),
        Breach("place.road", "field removed"),
    ),
    "the narrative is never null": (
        "cn.liandong.intake.referral_opened.v1",
        lambda schema: schema["properties"].update(narrative={"type": "string", "default": None}),
        Breach("narrative", "nullable became not nullable"),
    ),
    "a kind of link is dropped": (
        "cn.liandong.intake.call_linked.v1",
        lambda schema: schema["$defs"]["LinkKind"]["enum"].remove("mass"),
        Breach("kind", "enum narrowed by mass"),
    ),
    "the second category is narrowed": (
        "cn.liandong.triage.referral_classified.v1",
        lambda schema: schema["$defs"]["Category"]["enum"].remove("other"),
        Breach("runner_up", "enum narrowed by other"),
    ),
    "clocks count in dates": (
        "cn.liandong.triage.referral_dispatched.v1",
        lambda schema: schema["$defs"]["ClockSet"]["properties"]["due_at"].update(format="date"),
        Breach("clocks[].due_at", "format changed: date-time → date"),
    ),
    "the office needs a telephone": (
        "cn.liandong.triage.referral_dispatched.v1",
        lambda schema: (
            schema["$defs"]["Office"]["properties"].update(phone={"type": "string"}),
            schema["$defs"]["Office"]["required"].append("phone"),
        ),
        Breach("office.phone", "new required field"),
    ),
    "the first cycle has a number of its own": (
        "cn.liandong.followup.watch_opened.v1",
        lambda schema: schema["properties"]["cycle"].update(const=1),
        Breach("cycle", "const changed: absent → 1"),
    ),
}


@pytest.mark.parametrize("edit", REAL_EDITS)
def test_an_incompatible_edit_of_a_real_schema_is_found(edit: str) -> None:
    event_type, change, breach = REAL_EDITS[edit]
    released = json.loads(document(event_type, EVENTS[event_type]))
    present = copy.deepcopy(released)
    change(present)
    assert breach in breaches(released, present)
    assert breaches(released, released) == []
