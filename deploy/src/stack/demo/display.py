"""The journeys as people see them: a live table on a terminal, a line per call where the output is a file or a pipe."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from stack.demo.journey import REFUSED, UNDER_REVIEW, WATCHED, Journey, Step

STEPS = {
    Step.RECEIVED: "收到 received",
    Step.SCREENED: "甄别 screened",
    Step.OPENED: "生成 opened",
    Step.DISPATCHED: "派单 dispatched",
    Step.MIRRORED: "镜像 mirrored",
    Step.WATCHED: "跟踪 watched",
}
ENDS = {
    WATCHED: "已派单并跟踪 dispatched and watched",
    UNDER_REVIEW: "待人工研判 under review",
    REFUSED: "未受理 refused",
    "retained_by_police": "公安自处 retained by the police",
    "awaiting_screener": "待人工甄别 awaiting a screener",
    "linked": "并入主单 linked to an earlier call",
    "to_other_body": "转其他部门 sent to another body",
    "invalid": "无效 invalid",
}
KINDS = {
    "neighbour": "邻里 neighbour",
    "family": "家庭 family",
    "marital": "婚恋 marital",
    "medical": "医疗 medical",
    "other": "其他 other",
    "duplicate": "重复来电 same caller again",
    "no_caller": "匿名 no caller",
    "under_review": "地址不明 unknown place",
    "police_weapon": "持械 weapon",
    "police_violence": "殴打 violence",
    "police_self_harm": "轻生 self-harm",
    "police_domestic": "家暴 domestic violence",
    "police_fraud": "诈骗 fraud",
    "police_threat": "威胁 threat",
    "police_unsure": "疑似虐待 possible cruelty",
}
ROOM_FOR_FRAME = 8
SECONDS_BETWEEN_LINES = 2.0


def table_of(journeys: Sequence[Journey], *, shown: Sequence[Journey]) -> Table:
    watched = sum(journey.end == WATCHED for journey in journeys)
    arrived = sum(bool(journey.end) for journey in journeys)
    title = f"样例警情 Sample calls: {arrived}/{len(journeys)} 到达 arrived, {watched} 已跟踪 watched"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for column in (
        "№",
        "类别 kind",
        *(label.split()[0] for label in STEPS.values()),
        "司法所 office",
        "结果 outcome",
    ):
        table.add_column(column, no_wrap=True)
    for journey in shown:
        marks = ["●" if step in journey.steps else ("○" if journey.is_travelling else "") for step in Step]
        outcome = ENDS.get(journey.end, journey.end) or journey.parked
        if journey.end:
            outcome += f" {journey.seconds:.1f} s"
        kind = KINDS.get(journey.sample.kind, journey.sample.kind)
        table.add_row(journey.sample.call_no[-3:], kind, *marks, journey.office, outcome)
    return table


def line_of(journey: Journey) -> str:
    road = " → ".join(label for step, label in STEPS.items() if step in journey.steps)
    office = f" [{journey.office}]" if journey.office else ""
    kind = KINDS.get(journey.sample.kind, journey.sample.kind)
    end = ENDS.get(journey.end, journey.end)
    return f"  {journey.sample.call_no} {kind}: {road}{office} = {end} ({journey.seconds:.1f} s)"


def summary_of(journeys: Sequence[Journey]) -> str:
    ends = Counter(journey.end for journey in journeys if journey.end)
    return ", ".join(f"{ENDS.get(end, end)} {count}" for end, count in ends.most_common())


class Display:
    def __init__(self, console: Console, journeys: Sequence[Journey]) -> None:
        self._console, self._journeys = console, journeys
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._told: set[str] = set()
        self._told_at = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(table_of(self._journeys, shown=self._journeys), refresh=True)
            self._live.stop()

    def show(self) -> None:
        if self._live:
            self._live.update(table_of(self._journeys, shown=self._that_fit()), refresh=True)
        else:
            self._print_news()

    def _that_fit(self) -> Sequence[Journey]:
        """On a low terminal those that travel, then those that came last."""
        room = max(5, self._console.height - ROOM_FOR_FRAME)
        by_interest = sorted(self._journeys, key=lambda j: (not j.is_travelling, -j.ended_at))
        fitting = {id(journey) for journey in by_interest[:room]}
        return [journey for journey in self._journeys if id(journey) in fitting]

    def _print_news(self) -> None:
        for journey in self._journeys:
            if journey.end and journey.sample.call_no not in self._told:
                self._told.add(journey.sample.call_no)
                self._console.print(line_of(journey), markup=False, highlight=False)
                self._told_at = time.monotonic()
        travelling = sum(journey.is_travelling for journey in self._journeys)
        if travelling and time.monotonic() - self._told_at > SECONDS_BETWEEN_LINES:
            self._told_at = time.monotonic()
            self._console.print(f"  … 途中 travelling: {travelling}", highlight=False)
