"""Which judicial office answers for a dispute: the station's partner, else the area, else the street's name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from triage_svc.domain.directory import Area, Directory, Organisation


class Outcome(StrEnum):
    ASSIGNED = "assigned"
    REVIEW = "review"
    NONE = "none"


class Way(StrEnum):
    """How an office was found. How far each way is trusted is rule data (rules/routing.yaml)."""

    STATION_PAIRING = "station_pairing"
    AREA_CODE = "area_code"
    STREET_NAME = "street_name"
    ALIAS = "alias"
    POSSIBLE_AREA = "possible_area"


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where it happened. `words`: names of streets, roads, estates, as a matching copy."""

    station_code: str | None = None
    area_code: str | None = None
    possible_area_codes: tuple[str, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An office with every way it was found, the most trusted first. Candidates compare by that whole list."""

    code: str
    name: str
    trust: tuple[float, ...]
    ways: tuple[Way, ...]

    @property
    def score(self) -> float:
        return self.trust[0]

    @property
    def reason(self) -> str:
        return "+".join(self.ways)


@dataclass(frozen=True, slots=True)
class Routing:
    outcome: Outcome
    reason: str
    candidates: tuple[Candidate, ...] = ()
    office: Organisation | None = None
    second_stage: Organisation | None = None


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Below `assign_from`, or where two offices are found in equally good ways, a person decides."""

    trust: Mapping[Way, float]
    assign_from: float

    def route(self, place: Place, category: str, directory: Directory, *, on: date) -> Routing:
        candidates = self._candidates(place, directory, on)
        if not candidates:
            return Routing(Outcome.NONE, "no_office_for_place")
        best = candidates[0]
        if len(candidates) > 1 and candidates[1].trust == best.trust:
            return Routing(Outcome.REVIEW, "several_offices", candidates)
        if best.score < self.assign_from:
            return Routing(Outcome.REVIEW, "weak_evidence", candidates)
        return Routing(
            Outcome.ASSIGNED,
            best.reason,
            candidates,
            directory.organisations[best.code],
            directory.second_stage(best.code, category, on=on),
        )

    def _candidates(self, place: Place, directory: Directory, on: date) -> tuple[Candidate, ...]:
        ways: dict[str, list[Way]] = {}
        for way in sorted(self.trust, key=lambda known: -self.trust[known]):
            for code in dict.fromkeys(office.code for office in _offices(way, place, directory, on)):
                ways.setdefault(code, []).append(way)
        found = (
            Candidate(code, directory.organisations[code].name, tuple(self.trust[way] for way in by), tuple(by))
            for code, by in ways.items()
        )
        return tuple(sorted(sorted(found, key=lambda one: one.code), key=lambda one: one.trust, reverse=True))


def _offices(way: Way, place: Place, directory: Directory, on: date) -> Iterable[Organisation]:
    if way is Way.STATION_PAIRING:
        return directory.offices_paired_with(place.station_code, on=on) if place.station_code else ()
    return [office for code in _areas(way, place, directory) for office in directory.offices_covering(code, on=on)]


def _areas(way: Way, place: Place, directory: Directory) -> Iterable[str]:
    if way is Way.AREA_CODE:
        return (place.area_code,) if place.area_code else ()
    if way is Way.POSSIBLE_AREA:
        return place.possible_area_codes
    return _areas_named(place.words, directory.areas, by_alias=way is Way.ALIAS)


def _areas_named(words: str, areas: tuple[Area, ...], *, by_alias: bool) -> list[str]:
    """Only the longest names found: 四川北路街道 in a text is not also 川北."""
    if not words:
        return []
    hits = [
        (len(name), area.code)
        for area in areas
        for name in (area.aliases if by_alias else (area.name,))
        if name in words
    ]
    longest = max((length for length, _ in hits), default=0)
    return [code for length, code in hits if length == longest]
