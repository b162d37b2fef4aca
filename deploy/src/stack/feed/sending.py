"""One call to the service, asked again until it has an answer or patience ends."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
import orjson

from stack.feed.rows import CallRow, Reason

ASK_AGAIN = frozenset({408, 429, 502, 503, 504})
PROBLEM_MEMBERS = frozenset({"type", "title", "status", "code", "detail_zh", "detail_en", "instance"})
FIRST_WAIT, LONGEST_WAIT = 0.2, 5.0
_jitter = random.SystemRandom()


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    NEW_VERSION = "new_version"
    REPEATED = "repeated"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Answered:
    row: CallRow
    outcome: Outcome
    reason: Reason | None = None


@dataclass(frozen=True)
class Sender:
    client: httpx.AsyncClient
    url: str
    patience: float

    async def send(self, row: CallRow, *, token: str) -> Answered:
        """Raises nothing of the network's: a call without an answer is rejected, with what was tried last."""
        answer, trouble = await self.ask(row.body, token=token)
        return Answered(row, Outcome.REJECTED, _no_answer(trouble)) if answer is None else _judged(row, answer)

    async def ask(self, body: Mapping[str, Any], *, token: str) -> tuple[httpx.Response | None, str]:
        """The first answer that is one, or None and the last trouble once patience ends."""
        deadline = time.monotonic() + self.patience
        wait = FIRST_WAIT
        while True:
            answer, trouble = await self._ask_once(body, token)
            if answer is not None and answer.status_code not in ASK_AGAIN:
                return answer, trouble
            pause = _jitter.uniform(wait / 2, wait)
            if answer is not None:
                pause = max(pause, _retry_after(answer))
            if time.monotonic() + pause > deadline:
                return None, trouble
            await asyncio.sleep(pause)
            wait = min(wait * 1.8, LONGEST_WAIT)

    async def _ask_once(self, body: Mapping[str, Any], token: str) -> tuple[httpx.Response | None, str]:
        try:
            answer = await self.client.post(
                f"{self.url}/v1/calls",
                content=orjson.dumps(body),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
        except httpx.TransportError as error:
            return None, type(error).__name__
        return answer, f"HTTP {answer.status_code}"


def _judged(row: CallRow, answer: httpx.Response) -> Answered:
    body = _object(answer)
    if answer.status_code == 202:
        is_first = int(body.get("version", 1)) == 1
        return Answered(row, Outcome.ACCEPTED if is_first else Outcome.NEW_VERSION)
    if answer.status_code == 200:
        return Answered(row, Outcome.SUPERSEDED if body.get("superseded") else Outcome.REPEATED)
    return Answered(row, Outcome.REJECTED, _problem(answer.status_code, body))


def _problem(status: int, body: dict[str, Any]) -> Reason:
    code = str(body.get("code") or f"http_{status}")
    zh = str(body.get("detail_zh") or f"服务拒绝（{status}）")
    en = str(body.get("detail_en") or f"refused with status {status}")
    named = {key: value for key, value in body.items() if key not in PROBLEM_MEMBERS}
    return Reason(code, zh, f"{en} {named}" if named else en)


def _no_answer(trouble: str) -> Reason:
    return Reason(
        "no_answer",
        "在限定时间内没有得到答复，是否已受理不明，请再次导入",
        f"no answer in time (last: {trouble}); it may have been accepted: feed it again",
    )


def _retry_after(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return min(float(value), LONGEST_WAIT) if value.isdecimal() else 0.0


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
