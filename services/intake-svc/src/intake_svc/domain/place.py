"""Where it happened, as far as it may leave intake: area and road. Doubt yields candidates, never a silent guess."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

from intake_svc.domain.addresses import without_region, without_street
from intake_svc.domain.spelling import bare

AreaCode = NewType("AreaCode", str)

_ROAD = re.compile(r"(?:(?![与和近])[一-鿿]){1,8}?(?:支路|公路|大道|路|街|巷)(?!道)")
_COMMUNITY = re.compile(r"(?:^|[路街道号弄])([一-鿿]{2,8}?(?:居委会|居委|村委会))")


@dataclass(frozen=True, slots=True)
class Area:
    code: AreaCode
    name: str
    aliases: tuple[str, ...]
    roads: tuple[str, ...]
    stations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    area_code: AreaCode
    confidence: float


@dataclass(frozen=True, slots=True)
class Place:
    confidence: float
    area_code: AreaCode | None = None
    street: str | None = None
    community: str | None = None
    road: str | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceRules:
    version: str
    areas: tuple[Area, ...]
    weights: Mapping[str, float]
    sure_from: float
    ahead_by: float

    def place(self, address: str | None, station_code: str | None) -> Place:
        plain = bare(address or "")
        road = road_of(plain)
        evidence = {area: self._evidence(area, plain, road, station_code) for area in self.areas}
        ranked = sorted(
            (Candidate(area.code, round(weight, 2)) for area, weight in evidence.items() if weight),
            key=lambda one: (-one.confidence, one.area_code),
        )
        chosen = self._chosen(ranked)
        return Place(
            confidence=chosen.confidence if chosen else 0.0,
            area_code=chosen.area_code if chosen else None,
            street=next((area.name for area in self.areas if chosen and area.code == chosen.area_code), None),
            community=community_of(plain),
            road=road,
            candidates=() if chosen and len(ranked) == 1 else tuple(ranked),
        )

    def _chosen(self, ranked: list[Candidate]) -> Candidate | None:
        if not ranked or ranked[0].confidence < self.sure_from:
            return None
        second = ranked[1].confidence if len(ranked) > 1 else 0.0
        return ranked[0] if ranked[0].confidence - second >= self.ahead_by else None

    def _evidence(self, area: Area, address: str, road: str | None, station_code: str | None) -> float:
        found = {
            "named": any(name in address for name in (area.name, *area.aliases)),
            "station": station_code in area.stations,
            "road": road in area.roads,
        }
        doubt = 1.0
        for kind, is_so in found.items():
            doubt *= 1.0 - self.weights[kind] if is_so else 1.0
        return 1.0 - doubt


def road_of(address: str) -> str | None:
    """The road alone: a number after it never comes along."""
    match = _ROAD.match(without_street(without_region(address)))
    return match.group() if match else None


def community_of(address: str) -> str | None:
    match = _COMMUNITY.search(without_region(address))
    return match.group(1) if match else None
