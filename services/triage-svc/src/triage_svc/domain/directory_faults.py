"""What makes a directory unfit to route by. Every fault names its row and the cure, in both languages."""

from collections.abc import Iterable, Iterator, Sequence

from triage_svc.domain.directory import Area, Kind, Organisation, Relation, RelationKind


def find_faults(
    areas: Sequence[Area],
    organisations: Sequence[Organisation],
    relations: Sequence[Relation],
    *,
    known_areas: frozenset[str] = frozenset(),
    known_codes: frozenset[str] = frozenset(),
) -> list[str]:
    """`known_…` are what other datasets already hold: rows may point at them."""
    area_codes = known_areas | {area.code for area in areas}
    codes = known_codes | {one.code for one in organisations}
    return [
        *_repeated("areas", [area.code for area in areas]),
        *_repeated("organisations", [one.code for one in organisations]),
        *_repeated("sources", [source for one in organisations for source in one.sources]),
        *_homeless(organisations, area_codes),
        *_dangling(relations, codes, area_codes),
        *_overlapping(relations),
        *_unpairable(relations, {one.code: one.kind for one in organisations}),
    ]


def _repeated(section: str, keys: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            yield f"{section} {key}: 重复，请删去其一或改代码 · stands twice, remove one or change its code"
        seen.add(key)


def _homeless(organisations: Iterable[Organisation], area_codes: frozenset[str]) -> Iterator[str]:
    for one in organisations:
        if one.area_code not in area_codes:
            yield (
                f"organisations {one.code}: 区划 {one.area_code} 不存在，请先在 areas 中登记"
                f" · area {one.area_code} is unknown, add it to areas"
            )


def _dangling(relations: Iterable[Relation], codes: frozenset[str], area_codes: frozenset[str]) -> Iterator[str]:
    for one in relations:
        targets, section = (area_codes, "areas") if one.kind is RelationKind.COVERS else (codes, "organisations")
        for end, known, where in ((one.from_code, codes, "organisations"), (one.to_code, targets, section)):
            if end not in known:
                yield (
                    f"relations {_told(one)}: {end} 不存在，请先在 {where} 中登记或删去此行"
                    f" · {end} is unknown, add it to {where} or remove this row"
                )


def _overlapping(relations: Iterable[Relation]) -> Iterator[str]:
    held: dict[tuple[str, str, str], list[Relation]] = {}
    for one in relations:
        earlier = held.setdefault((one.kind, one.from_code, one.to_code), [])
        if any(_overlap(one, other) for other in earlier):
            yield f"relations {_told(one)}: 与另一行时段重叠，请合并 · overlaps another row in time, make them one"
        earlier.append(one)


def _overlap(one: Relation, other: Relation) -> bool:
    return one.period.holds(other.period.valid_from) or other.period.holds(one.period.valid_from)


def _unpairable(relations: Iterable[Relation], kinds: dict[str, Kind]) -> Iterator[str]:
    """PAIRED_WITH joins police station, judicial office and law firm; routing reads it, so another kind is a slip."""
    allowed = (Kind.POLICE_STATION, Kind.JUDICIAL_OFFICE, Kind.LAW_FIRM)
    for one in relations:
        if one.kind is RelationKind.PAIRED_WITH:
            for end in (one.from_code, one.to_code):
                if kinds.get(end, allowed[0]) not in allowed:
                    yield (
                        f"relations {_told(one)}: {end} 不是派出所、司法所或律所，不能结对，请改关系类型"
                        f" · {end} is no station, office or firm and cannot be paired, change the kind"
                    )


def _told(one: Relation) -> str:
    return f"{one.kind} {one.from_code} → {one.to_code}"
