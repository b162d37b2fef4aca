"""Whose call it is and where: the key under which duplicates meet. Without a caller or a place nothing is linked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from intake_svc.domain.addresses import without_region
from intake_svc.domain.fields import is_marked, text_of
from intake_svc.domain.masking import MaskingRules, phone_number
from intake_svc.domain.spelling import bare, with_plain_digits

_MIN_DIGITS = 7  # a short number is a desk or a service, not a caller


@dataclass(frozen=True, slots=True)
class LinkingRules:
    version: str
    duplicate_window: timedelta


def identity_text(source: str, fields: Mapping[str, object], rules: MaskingRules) -> str | None:
    """The normal form to be hashed, or None for a call that never links."""
    caller, place = _caller(fields, rules), _place(fields)
    if caller is None or place is None:
        return None
    kind = "drill" if is_marked(fields, "is_drill") else "duplicate"  # an exercise never swallows a real call
    return "\x1f".join((kind, source, caller, place))


def names_caller(fields: Mapping[str, object], rules: MaskingRules) -> bool:
    """Somebody can be asked: a call without name and number has no party."""
    return _caller(fields, rules) is not None


def _caller(fields: Mapping[str, object], rules: MaskingRules) -> str | None:
    phone = phone_number(text_of(fields, "caller_phone"))
    if phone.isdigit() and len(phone) >= _MIN_DIGITS and len(set(phone)) > 1:
        return f"phone:{phone}"
    if id_no := bare(text_of(fields, "caller_id_no")):
        return f"id:{id_no}"
    name = bare(text_of(fields, "caller_name"))
    return f"name:{name}" if len(name) > 1 and name not in rules.no_names else None


def _place(fields: Mapping[str, object]) -> str | None:
    plain = with_plain_digits(bare(text_of(fields, "incident_address")))
    local = without_region(plain)
    return local if len(local) > 2 else None
