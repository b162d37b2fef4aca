"""The people's road as people see it: a live table on a terminal, a line per referral where the output is a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from stack.demo.road import STUCK, Walking
from stack.people.roads import Road

ROADS = {
    Road.WRITTEN: "书面协议 written agreement",
    Road.ORAL: "口头协议 oral agreement",
    Road.BREACH: "违约后重启 breach, reopened",
    Road.TERMINATED: "调解终止 terminated",
    Road.SELF_RESOLVED: "自行和解 self-resolved",
    Road.NO_CONSENT: "不同意调解 no consent",
    Road.BACK_TO_POLICE: "退回公安 back to the police",
    Road.HALTED: "暂停后解除 halted, then freed",
}
STEPS = {
    "screened": "人工甄别 screened",
    "dispatched": "人工派单 dispatched",
    "signed": "签收 signed",
    "parked": "搁置 parked",
    "freed": "放行 freed",
    "contacted": "联系 contacted",
    "halted": "公安叫停 halted",
    "lifted": "公安解除 lifted",
    "handed_over": "移交 handed over",
    "accepted": "受理 accepted",
    "met": "调解 met",
    "agreed": "协议生效 agreed",
    "performed": "履行 performed",
    "breached": "违约 breached",
    "terminated": "终止 terminated",
    "return_requested": "申请退回 return asked",
    "police_decided": "公安决定 police decided",
    "ended": "办结 ended",
    "visited": "回访 visited",
    "closed": "结案 closed",
    "reopened": "重启 reopened",
}
ROOM_FOR_FRAME = 6


def line_of(walking: Walking) -> str:
    """`签收 → 联系 → …` in Chinese alone: the table names each step in both languages."""
    steps = [STEPS.get(step, step).split()[0] for step in _without_repeats(walking.steps)]
    end = f"= {walking.outcome}" + (f" ({walking.trouble})" if walking.trouble else "")
    number = walking.journey.sample.call_no[-3:]
    return f"  {number} {ROADS[walking.road]}: {' → '.join(steps)} {end} ({walking.seconds:.1f} s)"


def _without_repeats(steps: Sequence[str]) -> list[str]:
    return [step for number, step in enumerate(steps) if number == 0 or steps[number - 1] != step]


def summary_of(walks: Sequence[Walking]) -> str:
    ends = Counter(walking.outcome or "travelling" for walking in walks)
    return ", ".join(f"{outcome} {count}" for outcome, count in ends.most_common())


class RoadDisplay:
    def __init__(self, console: Console, walks: Sequence[Walking]) -> None:
        self._console, self._walks = console, walks
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._told: set[str] = set()

    def __enter__(self) -> RoadDisplay:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.update(self._table(self._walks), refresh=True)
            self._live.stop()

    def show(self) -> None:
        if self._live:
            room = max(5, self._console.height - ROOM_FOR_FRAME)
            by_interest = sorted(self._walks, key=lambda walk: (bool(walk.outcome), not walk.steps, -walk.ended_at))
            self._live.update(self._table(by_interest[:room]), refresh=True)
            return
        for walking in self._walks:
            if walking.outcome and walking.journey.sample.call_no not in self._told:
                self._told.add(walking.journey.sample.call_no)
                self._console.print(line_of(walking), markup=False, highlight=False, soft_wrap=True)

    def _table(self, shown: Sequence[Walking]) -> Table:
        ended = sum(bool(walking.outcome) for walking in self._walks)
        title = f"人走的路 The people's road: {ended}/{len(self._walks)} 到头 at their end"
        table = Table(title=title, title_justify="left", box=box.SIMPLE)
        for column in ("№", "情形 road", "进展 now at", "结果 outcome"):
            table.add_column(column, no_wrap=True)
        for walking in shown:
            now_at = STEPS.get(walking.steps[-1], walking.steps[-1]) if walking.steps else ""
            outcome = walking.trouble if walking.outcome == STUCK else walking.outcome
            if walking.outcome:
                outcome += f" {walking.seconds:.1f} s"
            table.add_row(walking.journey.sample.call_no[-3:], ROADS[walking.road], now_at, outcome)
        return table
