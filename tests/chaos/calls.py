"""Made-up calls without end, each from a caller and a place of its own; one in 25 comes from a former caller."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SOURCE = "hongkou-110"
REPEAT_EVERY = 25
REAL_ONES = Path(__file__).resolve().parents[3] / "shared/data/triage-dev.jsonl"
"""Real narratives, where somebody has laid them beside the clone; the run needs none."""

STATIONS = {
    "310109009-PCS1": "欧阳路",
    "310109010-PCS1": "曲阳路",
    "310109011-PCS1": "广中路",
    "310109014-PCS1": "嘉兴路",
    "310109016-PCS1": "凉城路",
    "310109017-PCS1": "四川北路",
    "310109018-PCS1": "唐山路",
    "310109019-PCS1": "场中路",
}
PLAIN = "报警人称楼上邻居卫生间漏水，自家天花板发霉，多次沟通对方不肯修，要求有人来协调。"
INVENTED = (
    PLAIN,
    "报警人反映楼下邻居每晚练琴到十一点，噪音扰民，老人无法休息，希望调解。",
    "报警人称父亲去世后兄弟姐妹为老房子的继承份额争执不下，请求调解。",
    "报警人称与前夫为孩子探望时间发生争吵，双方没有动手，要求协调。",
    "报警人在超市购物时与收银员因退货发生口角，商家拒绝退款。",
    "报警人称借给朋友三万元一年未还，今天找到对方，双方争吵。",
    "报警人称装修公司收款后停工，要求退还定金，对方拒绝。",
    "报警人称停车时与邻居因车位发生争执，对方堵住出口不让离开。",
    "报警人称公司拖欠两个月工资，老板避而不见，要求处理。",
    "报警人称有人持刀追砍路人，已有人受伤流血，请速派警。",
    "报警人称十二岁的孩子被同学打伤，正在医院，要求处理。",
    "报警人想咨询居住证办理需要什么材料。",
)


def narratives() -> tuple[str, ...]:
    if not REAL_ONES.exists():
        return INVENTED
    return INVENTED + tuple(json.loads(line)["text"] for line in REAL_ONES.read_text(encoding="utf-8").splitlines())


class Calls:
    def __init__(self, rng: random.Random, *, prefix: str) -> None:
        self._rng, self._prefix, self._texts = rng, prefix, narratives()
        self._count = 0
        self._former: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        """One of the stream of calls; one in twenty-five is a second call of the same caller about the same place."""
        if self._count % REPEAT_EVERY == REPEAT_EVERY - 1 and len(self._former) > 2 * REPEAT_EVERY:
            first = self._former[-self._rng.randrange(REPEAT_EVERY, 2 * REPEAT_EVERY)]
            return first | {"call_no": self._number(), "reported_at": now()}
        call = self.plain() | {"content": self._rng.choice(self._texts)}
        self._former = [*self._former[-2 * REPEAT_EVERY :], call]
        return call

    def plain(self) -> dict[str, Any]:
        """A quarrel between neighbours that goes all the way to an office, from a caller of its own."""
        station = self._rng.choice(list(STATIONS))
        call_no = self._number()
        return {
            "source": SOURCE,
            "call_no": call_no,
            "content": PLAIN,
            "reported_at": now(),
            "caller_name": self._rng.choice("赵钱孙李周吴郑王冯陈") + self._rng.choice("伟芳娜敏静丽强磊军洋勇艳杰涛"),
            "caller_phone": f"13{self._count:09d}",
            "incident_address": f"上海市虹口区{STATIONS[station]}{self._count // 60 + 1}弄{self._count % 60 + 1}号",
            "jurisdiction_code": station,
        }

    def _number(self) -> str:
        self._count += 1
        return f"{self._prefix}-{self._count:07d}"


def now() -> str:
    return datetime.now(UTC).isoformat()
