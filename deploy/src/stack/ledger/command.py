"""The command: exit code 0 balanced, 1 something is missing (or, with QUIET=1, still under way), 2 not reachable."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console

from stack.consoles import standard_output
from stack.ledger.balance import Balance, Finding
from stack.ledger.facts import Facts, Unreachable, collect
from stack.ledger.tables import print_ledger
from stack.running import NotRunning, RunningStack

BALANCED, NOT_BALANCED, NOT_REACHED = 0, 1, 2
SHOWN = 12


async def read_balance(stack: RunningStack) -> Balance:
    """Raises Unreachable, NotRunning."""
    async with httpx.AsyncClient(timeout=10) as client:
        return Balance(await collect(client, stack))


def show_ledger(console: Console, balance: Balance, *, must_be_quiet: bool = False) -> int:
    """Tables first, the verdict last: whoever sees only the end of the output sees what is wrong."""
    print_ledger(console, balance)
    if balance.missing:
        _list(console, "账不平 NOT balanced", balance.missing)
        return NOT_BALANCED
    if must_be_quiet and balance.unquiet:
        _list(console, "尚未安静 NOT quiet yet", balance.unquiet)
        return NOT_BALANCED
    under_way = f"；在途 under way: {len(balance.unquiet)}" if balance.unquiet else ""
    console.print(
        f"账平 balanced: 受理 {balance.accepted} 件警情 calls accepted, "
        f"生成 {balance.opened} 件分流单 referrals opened, 缺失 0 missing{under_way}",
        highlight=False,
        soft_wrap=True,
    )
    return BALANCED


def _list(console: Console, headline: str, findings: Sequence[Finding]) -> None:
    console.print(f"{headline} ({len(findings)}):", highlight=False)
    for finding in findings[:SHOWN]:
        console.print(f"  {finding}", highlight=False, markup=False, soft_wrap=True)


def main(argv: Sequence[str]) -> int:
    words = _parser().parse_args(argv)
    try:
        balance = asyncio.run(read_balance(RunningStack.read(words.stack)))
    except (NotRunning, Unreachable) as error:
        print(error, file=sys.stderr)
        return NOT_REACHED
    if words.json:
        print(json.dumps(_raw(balance.facts), ensure_ascii=False, indent=2))
        return NOT_BALANCED if balance.missing or (words.quiet and balance.unquiet) else BALANCED
    return show_ledger(standard_output(), balance, must_be_quiet=words.quiet)


def _raw(facts: Facts) -> dict[str, object]:
    return {
        "positions": {service: dict(answer.raw) for service, answer in facts.positions.items()},
        "heads": {service: dict(answer.raw) for service, answer in facts.heads.items()},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make ledger [QUIET=1]  (python -m stack ledger)",
        description="每件受理的警情都有着落吗？ Is every accepted call accounted for?",
        epilog="exit codes: 0 balanced 账平; 1 something is missing 有缺失, or, with QUIET=1, under way 尚未安静; "
        "2 services not reachable 服务不可达",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        default=os.environ.get("QUIET") == "1",
        help="also demand that nothing is under way on the automatic road 自动流程上没有在途 (or QUIET=1)",
    )
    parser.add_argument("--json", action="store_true", help="the services' raw facts, both rounds 原始数据")
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="stack.json of the running stack")
    return parser
