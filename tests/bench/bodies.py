"""Calls that go the whole automatic road, each from a caller and a place of its own: the same bytes for everybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count

from chaos.calls import SOURCE, STATIONS

NARRATIVES = (
    "报警人称楼上邻居卫生间漏水，自家天花板发霉，多次沟通对方不肯修，要求有人来协调。",
    "报警人反映楼下邻居每晚练琴到十一点，噪音扰民，老人无法休息，希望调解。",
    "报警人称父亲去世后兄弟姐妹为老房子的继承份额争执不下，请求调解。",
    "报警人称对门邻居把鞋柜和旧家具长期堆放在楼道，影响通行，居委会说过几次也不搬。",
    "报警人称妻子提出离婚，双方对孩子抚养和房子分割谈不拢，在家争吵。",
    "报警人称隔壁住户空调外机正对自家卧室窗户，热风和噪音影响休息，双方协商不下。",
    "报警人称弟弟长期住在父母房中不付生活费，父母要求其搬出，家庭矛盾激化，希望调解。",
)


_callers = count()


class Bodies:
    """Numbers begin anew under each prefix, callers never: a second call of one of them would join the first."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self._now = ""
        self._stations = sorted(STATIONS.items())

    def next(self) -> tuple[str, bytes]:
        """The call's number and its body."""
        n = next(_callers)
        if n % 200 == 0 or not self._now:
            self._now = datetime.now(UTC).isoformat()
        call_no = f"{self.prefix}-{n:07d}"
        station, road = self._stations[n % len(self._stations)]
        document = {
            "source": SOURCE,
            "call_no": call_no,
            "content": NARRATIVES[n % len(NARRATIVES)],
            "reported_at": self._now,
            "caller_name": "赵钱孙李周吴郑王冯陈"[n % 10] + "伟芳娜敏静丽强磊军洋勇艳杰涛"[n % 14],
            "caller_phone": f"13{n % 10**9:09d}",
            "incident_address": f"上海市虹口区{road}{n // 60 + 1}弄{n % 60 + 1}号",
            "jurisdiction_code": station,
        }
        return call_no, json.dumps(document, ensure_ascii=False).encode()
