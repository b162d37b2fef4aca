"""What became of each row: counted, the rejected ones written down, all of it told in both languages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from rich.console import Console
from rich.table import Table

from stack.feed.rows import BadRow, CallRow, Reason
from stack.feed.sending import Answered, Outcome

LABELS = {
    Outcome.ACCEPTED: "受理 accepted",
    Outcome.NEW_VERSION: "新版本 new versions",
    Outcome.REPEATED: "重复 repeated",
    Outcome.SUPERSEDED: "已被更新版本取代 superseded",
    Outcome.REJECTED: "拒绝 rejected",
}
SHOWN = 10


class RejectedRows:
    """A file next to the input; in `fallback` when that folder cannot be written. Each row is on disk once added.

    A run that rejects nothing leaves no file of an earlier run behind: it would tell of rows that are in by now.
    """

    def __init__(self, source: Path, fallback: Path) -> None:
        name = f"{source.name}.rejected.jsonl"
        self._candidates = (source.with_name(name), fallback / name)
        self._file: IO[bytes] | None = None
        self.path: Path | None = None
        self.fell_back = False

    def add(self, line: int, reason: Reason, original: Any) -> None:
        file = self._file or self._open()
        row = {"line": line, "code": reason.code, "reason_zh": reason.zh, "reason_en": reason.en, "row": original}
        file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()

    def _open(self) -> IO[bytes]:
        beside, fallback = self._candidates
        try:
            self._file, self.path = beside.open("wb"), beside
        except OSError:
            fallback.parent.mkdir(parents=True, exist_ok=True)
            self._file, self.path, self.fell_back = fallback.open("wb"), fallback, True
        return self._file

    def close(self) -> None:
        if self._file:
            self._file.close()
        for path in self._candidates:
            if path != self.path and path.exists():
                try:
                    path.unlink()
                except OSError:
                    continue  # a folder that we may not write holds nothing of ours that matters


@dataclass
class Report:
    rejected: RejectedRows
    counts: Counter[Outcome] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    duplicates: list[tuple[int, int, str]] = field(default_factory=list)
    first_rejections: list[tuple[int, Reason]] = field(default_factory=list)

    def met_again(self, row: CallRow) -> None:
        if row.first_line is not None:
            self.duplicates.append((row.line, row.first_line, row.call_no))

    def add(self, answered: Answered) -> None:
        self.counts[answered.outcome] += 1
        if answered.reason is not None:
            self._reject(answered.row.line, answered.reason, answered.row.original)

    def add_bad(self, row: BadRow) -> None:
        self.counts[Outcome.REJECTED] += 1
        self._reject(row.line, row.reason, row.original)

    def _reject(self, line: int, reason: Reason, original: Any) -> None:
        self.rejected.add(line, reason, original)
        self.reasons[str(reason)] += 1
        if len(self.first_rejections) < SHOWN:
            self.first_rejections.append((line, reason))

    @property
    def rows(self) -> int:
        return self.counts.total()

    def show(self, console: Console) -> None:
        table = Table(title=f"导入结果 Feed report · {self.rows} 行 rows", title_justify="left")
        table.add_column("结果 outcome")
        table.add_column("行数 rows", justify="right")
        for outcome, label in LABELS.items():
            table.add_row(label, str(self.counts[outcome]))
        console.print(table)
        self._show_duplicates(console)
        self._show_rejections(console)

    def _show_duplicates(self, console: Console) -> None:
        if not self.duplicates:
            return
        console.print(f"文件内编号重复 call numbers met again in this file: {len(self.duplicates)}")
        for line, first_line, call_no in self.duplicates[:SHOWN]:
            console.print(
                f"  第 {line} 行 line {line}: {call_no} 同 as 第 {first_line} 行 line {first_line}", markup=False
            )

    def _show_rejections(self, console: Console) -> None:
        if not self.counts[Outcome.REJECTED]:
            return
        console.print("拒绝原因 reasons of rejection:")
        for text, count in self.reasons.most_common(SHOWN):
            console.print(f"  {count} × {text}", markup=False)
        lines = ", ".join(str(line) for line, _ in self.first_rejections)
        more = " …" if self.counts[Outcome.REJECTED] > SHOWN else ""
        console.print(f"  行号 lines: {lines}{more}")
        if self.rejected.fell_back:
            console.print(
                "  输入文件所在目录不可写，被拒行改存别处 the input's folder cannot be written; kept elsewhere:"
            )
        console.print(f"  被拒行 rejected rows: {self.rejected.path}", markup=False, soft_wrap=True)
