"""The command, and the road of the rows: read, sent a bounded number at a time, answered, reported."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import httpx
from rich.console import Console

from stack.consoles import standard_output
from stack.feed.progress import FeedProgress
from stack.feed.report import RejectedRows, Report
from stack.feed.rows import BadRow, CallRow, read_rows
from stack.feed.sending import Outcome, Sender
from stack.running import NotRunning, RunningStack

ALL_IN, SOME_REJECTED, NOT_STARTED = 0, 1, 2
AT_ONCE = 16
EXIT_CODES = """\
exit codes / 退出码:
  0   every row accepted or repeated / 全部受理或重复
  1   some rows rejected (see <input>.rejected.jsonl) / 有被拒的行
  2   wrong usage, file not readable, or the stack is not running / 用法错误或平台未启动
"""


class Feed:
    """One run. A row whose call number was met before waits until all earlier rows are answered: order is content."""

    def __init__(
        self, stack: RunningStack, sender: Sender, report: Report, progress: FeedProgress, rate: float
    ) -> None:
        self._stack, self._sender, self._report, self._progress = stack, sender, report, progress
        self._gap = 1 / rate if rate else 0.0
        self._tokens: dict[str, str] = {}
        self._queue: asyncio.Queue[CallRow] = asyncio.Queue(maxsize=AT_ONCE)

    async def run(self, rows: Iterable[CallRow | BadRow]) -> None:
        async with asyncio.TaskGroup() as group:
            workers = [group.create_task(self._work()) for _ in range(AT_ONCE)]
            started = time.monotonic()
            for number, row in enumerate(rows):
                if self._gap:
                    await asyncio.sleep(max(0.0, started + number * self._gap - time.monotonic()))
                await self._take(row)
            await self._queue.join()
            for worker in workers:
                worker.cancel()

    async def _take(self, row: CallRow | BadRow) -> None:
        if isinstance(row, BadRow):
            self._report.add_bad(row)
            self._progress.advance()
            return
        if row.first_line is not None:
            self._report.met_again(row)
            await self._queue.join()
        await self._queue.put(row)

    async def _work(self) -> None:
        while True:
            row = await self._queue.get()
            self._report.add(await self._sender.send(row, token=self._token(row.source)))
            self._progress.advance()
            self._queue.task_done()

    def _token(self, source: str) -> str:
        if source not in self._tokens:
            self._tokens[source] = self._stack.token_of_source(source)
        return self._tokens[source]


async def run(
    path: Path,
    stack: RunningStack,
    console: Console,
    *,
    source: str = "feed",
    rate: float = 0.0,
    patience: float = 120.0,
) -> Report:
    """Raises OSError when the file cannot be read, NotRunning when intake answers nothing at all."""
    with path.open("rb") as file:
        total = sum(1 for line in file if line.strip())
    report = Report(RejectedRows(path, stack.path.parent))
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        await _must_answer(client, stack.services["intake"])
        sender = Sender(client, stack.services["intake"], patience)
        try:
            with path.open("rb") as file, FeedProgress(console, total) as progress:
                await Feed(stack, sender, report, progress, rate).run(read_rows(file, source=source))
        finally:
            report.rejected.close()
    return report


async def _must_answer(client: httpx.AsyncClient, url: str) -> None:
    try:
        await client.get(f"{url}/livez")
    except httpx.TransportError as error:
        raise NotRunning(
            f"接警服务没有应答 intake does not answer at {url} ({type(error).__name__}): make up"
        ) from error


def main(argv: Sequence[str]) -> int:
    words = _parser().parse_args(argv)
    console = standard_output()
    try:
        stack = RunningStack.read(words.stack)
        report = asyncio.run(
            run(words.file, stack, console, source=words.source, rate=words.rate, patience=words.patience)
        )
    except (NotRunning, OSError) as error:
        print(error, file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        print(
            "已中断：已受理的不会丢失，再次导入即可继续 / interrupted: what was accepted is kept; feed again to go on"
        )
        return SOME_REJECTED
    report.show(console)
    return SOME_REJECTED if report.counts[Outcome.REJECTED] else ALL_IN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make feed FILE=…  (python -m stack feed)",
        description="导入 JSONL：每行一条警情（source, call_no, content, reported_at …）或一条叙述（id, text）。 "
        "Feeds JSONL: each line a call, sent as it is, or a narrative, given a made-up caller and place.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--source", default="feed", help="来源代码 source of rows that name none (default: feed)")
    parser.add_argument(
        "--rate", type=_rate, default=0.0, help="每秒行数上限 rows per second at most (default: no limit)"
    )
    parser.add_argument(
        "--patience", type=float, default=120.0, help="每行最长等待秒数 seconds to ask again for one row"
    )
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="stack.json of the running stack")
    return parser


def _rate(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value
