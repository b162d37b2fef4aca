"""What becomes of a call that waits: read whole, masked, screened, and held beside those it may belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from intake_svc.domain.call import Call, CallState
from intake_svc.domain.fields import as_text, is_marked, text_of
from intake_svc.domain.masking import MaskingRules, mask
from intake_svc.domain.place import Place, PlaceRules
from intake_svc.domain.screening import CallFacts, Effect, Outcome, Reason, Screening, ScreeningRules

_CATEGORY_FIELDS = ("leaf", "subtype", "type", "category")  # from the finest to the class

MATCH_UNDECIDED = Effect(
    Outcome.AWAITING_SCREENER,
    None,
    Reason("与另一通未决警情相同，由人工一并处理", "the same as a call that people have not decided yet"),
)
MATCH_RULE = "match_undecided"
BLOCK_STANDS = Effect(
    Outcome.AWAITING_SCREENER,
    None,
    Reason("公安已设不得调解的情形", "the police have set a block"),
)
LINK_REFUSED = Effect(
    Outcome.AWAITING_SCREENER,
    None,
    Reason("并入前情况有变，须重新决定", "things changed before it could be joined; decide anew"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A call as far as it may leave intake, and what the rules say of it."""

    screening: Screening
    narrative: str
    place: Place
    source_category: str | None
    is_confidential: bool
    is_drill: bool


@dataclass(frozen=True, slots=True)
class ReceptionRules:
    screening: ScreeningRules
    masking: MaskingRules
    places: PlaceRules


def read_call(call: Call, fields: Mapping[str, object], rules: ReceptionRules) -> Reading:
    text = "\n".join(part for part in (text_of(fields, "content"), text_of(fields, "content_extra")) if part)
    codes = tuple(code for name in _CATEGORY_FIELDS if (code := text_of(fields, name).strip()))
    facts = CallFacts(text, call.source, {name: as_text(value) for name, value in fields.items()}, codes)
    return Reading(
        screening=rules.screening.screen(facts),
        narrative=mask(text, fields, rules.masking).text,
        place=rules.places.place(text_of(fields, "incident_address"), call.station_code),
        source_category=codes[0] if codes else None,
        is_confidential=is_marked(fields, "confidential"),
        is_drill=is_marked(fields, "is_drill"),
    )


@dataclass(frozen=True, slots=True)
class Match:
    """The call that another one repeats; it can be joined, or people must decide first."""

    call: Call
    can_be_joined: bool


def match_of(call: Call, others: Sequence[Call], window: timedelta) -> Match | None:
    """The nearest in time of those that opened a referral or still may; calls that joined one are not joined again."""
    if call.identity_key is None:
        return None
    near = [
        other
        for other in others
        if other.identity_key == call.identity_key
        and other.call_id != call.call_id
        and other.state in _MAY_MATCH
        and abs(other.reported_at - call.reported_at) <= window
    ]
    if not near:
        return None
    nearest = min(near, key=lambda one: (not can_be_joined(one), abs(one.reported_at - call.reported_at), one.call_id))
    return Match(nearest, can_be_joined(nearest))


def waited_for(opened: Call, other: Call, window: timedelta) -> bool:
    """The other call was fit to leave, and held only because this one was undecided."""
    if other.state is not CallState.AWAITING_SCREENER or other.errand is not None or other.screening is None:
        return False
    rules = {found.rule for found in other.screening.findings}
    return rules == {MATCH_RULE} and match_of(other, [replace(opened, state=CallState.REFERRED)], window) is not None


_MAY_MATCH = frozenset(
    {
        CallState.REFERRED,
        CallState.AWAITING_SCREENER,
        CallState.RETAINED_BY_POLICE,
        CallState.RECALLED,
        CallState.RETURNED,
    }
)


def can_be_joined(call: Call) -> bool:
    return call.state is CallState.REFERRED and call.has_opened
