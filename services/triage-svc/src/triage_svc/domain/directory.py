"""The organisation directory as one immutable value: who there is, who covers what, who is paired with whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Kind(StrEnum):
    JUSTICE_BUREAU = "justice_bureau"
    JUDICIAL_OFFICE = "judicial_office"
    PMC = "pmc"
    MEDIATION_ROOM = "mediation_room"
    POLICE_BUREAU = "police_bureau"
    POLICE_STATION = "police_station"
    COMMAND_CENTER = "command_center"
    HOTLINE_12345 = "hotline_12345"
    GOV_CENTER = "gov_center"
    LAW_FIRM = "law_firm"
    LEGAL_ADVISER = "legal_adviser"
    DEPARTMENT = "department"
    COURT = "court"
    PROCURATORATE = "procuratorate"


class RelationKind(StrEnum):
    ADMINISTERS = "administers"
    GUIDES = "guides"
    STATIONS_AT = "stations_at"
    PAIRED_WITH = "paired_with"
    COVERS = "covers"
    REFERS_TO = "refers_to"


@dataclass(frozen=True, slots=True)
class Period:
    valid_from: date
    valid_to: date | None = None

    def holds(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class Organisation:
    code: str
    kind: Kind
    name: str
    area_code: str  # where it sits; what it serves is told by COVERS
    period: Period
    sources: tuple[str, ...] = ()  # call sources that this unit speaks for


@dataclass(frozen=True, slots=True)
class Relation:
    """`to_code` is an area code for COVERS, an organisation for the others; PAIRED_WITH is read both ways."""

    kind: RelationKind
    from_code: str
    to_code: str
    period: Period
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Area:
    """A sub-district or town: its full names are sure, an alias (a road, an estate) is only likely."""

    code: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    version: str
    organisations: Mapping[str, Organisation]
    areas: tuple[Area, ...]
    _pairs: Mapping[str, tuple[Relation, ...]] = field(repr=False)
    _covers: Mapping[str, tuple[Relation, ...]] = field(repr=False)
    _refers: Mapping[str, tuple[Relation, ...]] = field(repr=False)
    _sources: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(
        cls,
        version: str,
        organisations: Iterable[Organisation],
        relations: Iterable[Relation],
        areas: Iterable[Area],
    ) -> "Directory":
        by_code = {one.code: one for one in organisations}
        held = sorted(relations, key=lambda one: (one.kind, one.from_code, one.to_code, one.period.valid_from))
        pairs = [one for one in held if one.kind is RelationKind.PAIRED_WITH]
        return cls(
            version,
            by_code,
            tuple(sorted(areas, key=lambda one: one.code)),
            _pairs=_grouped([(end, one) for one in pairs for end in (one.from_code, one.to_code)]),
            _covers=_grouped([(one.to_code, one) for one in held if one.kind is RelationKind.COVERS]),
            _refers=_grouped([(one.from_code, one) for one in held if one.kind is RelationKind.REFERS_TO]),
            _sources={source: one.code for one in by_code.values() for source in one.sources},
        )

    def offices_paired_with(self, station_code: str, *, on: date) -> list[Organisation]:
        ends = [
            one.to_code if one.from_code == station_code else one.from_code
            for one in self._pairs.get(station_code, ())
            if one.period.holds(on)
        ]
        return self._offices(ends, on)

    def offices_covering(self, area_code: str, *, on: date) -> list[Organisation]:
        """The village (12 digits) if an office covers it, else its sub-district (9); a district has no one office."""
        for length in (12, 9):
            relations = self._covers.get(area_code[:length], ()) if len(area_code) >= length else ()
            if offices := self._offices([one.from_code for one in relations if one.period.holds(on)], on):
                return offices
        return []

    def second_stage(self, office_code: str, category: str, *, on: date) -> Organisation | None:
        """Who handles this category after the office, where a REFERS_TO path names it."""
        for one in self._refers.get(office_code, ()):
            if category in one.classes and one.period.holds(on):
                return self.organisations.get(one.to_code)
        return None

    def find(self, code: str, *kinds: Kind, on: date) -> Organisation | None:
        """An organisation of one of these kinds that works on that day."""
        one = self.organisations.get(code)
        return one if one and one.kind in kinds and one.period.holds(on) else None

    def unit_that_sent(self, source: str) -> str:
        """The unit behind a call source; a source that nobody has claimed answers for itself."""
        return self._sources.get(source, source)

    def _offices(self, codes: Iterable[str], on: date) -> list[Organisation]:
        known = (self.organisations.get(code) for code in dict.fromkeys(codes))
        return [one for one in known if one and one.kind is Kind.JUDICIAL_OFFICE and one.period.holds(on)]


def area_path(area_code: str) -> str:
    """As scopes are written: `31/310109/310109010`, down to the sub-district at most."""
    return "/".join(dict.fromkeys(area_code[:length] for length in (2, 6, 9)))


def _grouped(rows: Iterable[tuple[str, Relation]]) -> dict[str, tuple[Relation, ...]]:
    groups: dict[str, list[Relation]] = {}
    for key, relation in rows:
        groups.setdefault(key, []).append(relation)
    return {key: tuple(group) for key, group in groups.items()}
