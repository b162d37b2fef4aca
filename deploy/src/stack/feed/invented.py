"""The caller, place and station that a narrative without them is given: always the same for the same id.

Nobody's data: names, numbers and rooms are drawn from a hash; only the roads and sub-districts of Hongkou exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone

FIRST_REPORT = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8)))

ROADS_BY_STATION: Mapping[str, Sequence[str]] = {
    "310109009-PCS1": ("欧阳路", "大连西路", "四平路", "祥德路"),
    "310109010-PCS1": ("曲阳路", "玉田路", "密云路", "东体育会路"),
    "310109011-PCS1": ("广中路", "水电路", "花园路", "广灵一路"),
    "310109014-PCS1": ("嘉兴路", "天宝路", "临平路", "瑞虹路"),
    "310109016-PCS1": ("凉城路", "汶水东路", "广粤路", "车站南路"),
    "310109017-PCS1": ("四川北路", "山阴路", "多伦路", "海伦路"),
    "310109018-PCS1": ("东大名路", "唐山路", "东长治路", "保定路"),
    "310109019-PCS1": ("场中路", "新市南路", "奎照路", "万安路"),
}
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华"
MOBILE_PREFIXES = ("13", "15", "17", "18")


def invent(row_id: str, *, row: int) -> dict[str, str]:
    """`row` counts from 0 and sets the minute of the report."""
    draw = _numbers(row_id)
    station = sorted(ROADS_BY_STATION)[next(draw) % len(ROADS_BY_STATION)]
    roads = ROADS_BY_STATION[station]
    road, lane, house = roads[next(draw) % len(roads)], next(draw) % 998 + 1, next(draw) % 60 + 1
    room = f"{next(draw) % 24 + 1}{next(draw) % 8 + 1:02d}"
    return {
        "caller_name": SURNAMES[next(draw) % len(SURNAMES)] + GIVEN[next(draw) % len(GIVEN)],
        "caller_phone": f"{MOBILE_PREFIXES[next(draw) % len(MOBILE_PREFIXES)]}{next(draw) % 10**9:09d}",
        "incident_address": f"上海市虹口区{road}{lane}弄{house}号{room}室",
        "jurisdiction_code": station,
        "reported_at": (FIRST_REPORT + timedelta(minutes=row)).isoformat(),
    }


def _numbers(row_id: str) -> Iterator[int]:
    """An endless row of 32-bit numbers, the id's own."""
    block = hashlib.sha256(f"liandong feed {row_id}".encode()).digest()
    while True:
        for start in range(0, len(block), 4):
            yield int.from_bytes(block[start : start + 4])
        block = hashlib.sha256(block).digest()
