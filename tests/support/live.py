"""A whole stack of real servers and the eight processes, for tests that look at it from outside."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import asyncpg
from stack.launch import Stack
from support.stack import eventually

TESTED = {
    "GAP_SECONDS": "2",
    "COMPARE_SECONDS": "5",
    "SESSION_SECONDS": "6",
    "BROKER_CHECK_SECONDS": "2",
    "DEMO": "true",  # visits in seconds
    "LOG_LEVEL": "debug",  # what must not be logged must not be logged at any level
}


@dataclass(frozen=True)
class LiveStack:
    stack: Stack

    async def command(self, *words: str) -> tuple[int, str]:
        """`python -m stack …` as make calls it: exit code, and all that it printed."""
        whole = [sys.executable, "-m", "stack", *words, "--stack", str(self.stack.layout.facts)]
        done = await asyncio.to_thread(subprocess.run, whole, capture_output=True, text=True, timeout=110, check=False)
        return done.returncode, done.stdout + done.stderr

    async def ledger(self) -> dict[str, Any]:
        _, printed = await self.command("ledger", "--json")
        answers: dict[str, Any] = json.loads(printed)["heads"]
        return answers

    async def quiet(self, *, within: float = 90.0) -> None:
        """Until the ledger balances and nothing is under way any more."""
        await eventually(self._is_quiet, within=within, every=0.2)

    async def _is_quiet(self) -> bool:
        return (await self.command("ledger", "--quiet"))[0] == 0

    async def sql(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """As the administrator; an `await`ed statement alone, in its own transaction."""
        connection = await asyncpg.connect(self.facts["postgres"]["url"])
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    @property
    def facts(self) -> dict[str, Any]:
        """stack.json as it stands now."""
        facts: dict[str, Any] = json.loads(self.stack.layout.facts.read_text())
        return facts

    @property
    def urls(self) -> dict[str, str]:
        return {name: service["url"] for name, service in self.facts["services"].items()}
