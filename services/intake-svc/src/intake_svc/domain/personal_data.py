"""The data that says who a caller is, what of a call names a person, and how a place is read: checked at load."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.identity import LinkingRules
from intake_svc.domain.masking import KINDS, MaskingRules
from intake_svc.domain.place import Area, AreaCode, PlaceRules
from intake_svc.domain.rule_data import listed, mapping, one_of, refuse_twins, refuse_unknown, share, text
from intake_svc.domain.spelling import bare


def masking_rules(data: Mapping[str, Any]) -> MaskingRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "fields", "unknown_fields", "not_personal", "no_names", "surnames"}, "masking")
    tables = {key: dict(mapping(data, key, "masking")) for key in ("fields", "unknown_fields")}
    for key, table in tables.items():
        for name, kind in table.items():
            one_of(kind, KINDS, f"masking.{key}.{name}")
    return MaskingRules(
        version=text(data, "version", "masking"),
        fields=tables["fields"],
        unknown_fields=tables["unknown_fields"],
        not_personal=frozenset(map(str, listed(data, "not_personal", "masking"))),
        no_names=frozenset(bare(str(name)) for name in listed(data, "no_names", "masking")),
        surnames=frozenset(text(data, "surnames", "masking").split()),
    )


def place_rules(data: Mapping[str, Any]) -> PlaceRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "sample", "weights", "sure_from", "ahead_by", "areas"}, "places")
    weights = mapping(data, "weights", "places")
    refuse_unknown(weights, {"named", "station", "road"}, "places.weights")
    areas = tuple(_area(entry, f"places.areas[{place}]") for place, entry in enumerate(listed(data, "areas", "places")))
    refuse_twins([area.code for area in areas])
    return PlaceRules(
        version=text(data, "version", "places"),
        areas=areas,
        weights={kind: share(weights, kind, "places.weights") for kind in ("named", "station", "road")},
        sure_from=share(data, "sure_from", "places"),
        ahead_by=share(data, "ahead_by", "places"),
    )


def linking_rules(data: Mapping[str, Any]) -> LinkingRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "duplicate_window_seconds"}, "linking")
    seconds = data.get("duplicate_window_seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 0:
        raise RuleDataError("linking.duplicate_window_seconds: must be whole seconds")
    return LinkingRules(text(data, "version", "linking"), timedelta(seconds=seconds))


def _area(data: Mapping[str, Any], at: str) -> Area:
    refuse_unknown(data, {"code", "name", "aliases", "roads", "stations"}, at)
    code = text(data, "code", at)
    if not re.fullmatch(r"[0-9]{9}", code):
        raise RuleDataError(f"{at}.code: nine digits, quoted")
    names = {key: tuple(map(str, listed(data, key, at))) for key in ("aliases", "roads", "stations")}
    return Area(AreaCode(code), text(data, "name", at), **names)
