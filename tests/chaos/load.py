"""Open-loop load from clients that do not give up: who gets no answer sends the same body again, until it is 2xx."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from bench.client import Client
from chaos.calls import Calls
from chaos.oracle import Promise
from chassis.problems import RETRY_AFTER_SECONDS

UNANSWERED = 0
ANSWER_SECONDS = 15.0


class BrokenPromise(AssertionError):
    """An answer that contradicts an earlier one, or refuses what must be taken."""


@dataclass(frozen=True)
class Answer:
    status_code: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Attempt:
    at: float
    status: int
    seconds: float
    is_first: bool

    @property
    def is_accepted(self) -> bool:
        return self.status in (200, 202)


@dataclass
class Load:
    """`promises` are the 2xx answers by call number; `open` holds the bodies nobody has answered yet."""

    url: str
    token: str
    calls: Calls
    rate: float
    rng: random.Random
    promises: dict[str, Promise] = field(default_factory=dict)
    open: dict[str, bytes] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    resent: set[str] = field(default_factory=set)
    broken: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[Promise | None]] = field(default_factory=set)
    _client: Client = field(init=False)

    def __post_init__(self) -> None:
        """A client that costs little: at 100 calls/s for an hour an ordinary one is what cannot keep up."""
        address = urlsplit(self.url)
        self._client = Client(str(address.hostname), address.port or 80, token=self.token)

    async def run(self) -> None:
        """Until cancelled; `rate` calls a second are begun, however slowly they are answered.

        Where this process itself stood still, it makes up for a second at most: all at once would be another load.
        """
        due = time.monotonic()
        while True:
            self.send(self.calls.next())
            due = max(due + 1 / self.rate, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    def send(self, call: Mapping[str, Any]) -> asyncio.Task[Promise | None]:
        task = asyncio.create_task(self._until_accepted(call["call_no"], json.dumps(call).encode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def accepted(self, call: Mapping[str, Any]) -> Promise:
        promise = await self.send(call)
        if promise is None:
            raise BrokenPromise(self.broken[-1])
        return promise

    async def all_answered(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    async def _until_accepted(self, call_no: str, body: bytes) -> Promise | None:
        self.open[call_no] = body
        is_first = True
        while True:
            answer = await self.post(body, is_first=is_first)
            if answer is not None and answer.status_code in (200, 202):
                del self.open[call_no]
                return self.keep(answer.json())
            if answer is not None and answer.status_code != 503:
                self.broken.append(f"{call_no} answered {answer.status_code}: {answer.text[:300]}")
                return None
            is_first = False
            self.resent.add(call_no)
            least = 0.5 if answer is None else RETRY_AFTER_SECONDS  # of a refusal: thousands heed it here
            await asyncio.sleep(least * self.rng.uniform(1, 3))

    async def post(self, body: bytes, *, is_first: bool = True) -> Answer | None:
        """One try; None when no answer came."""
        at = time.monotonic()
        answer = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = Answer(*await self._client.post(body))
        except OSError:  # TimeoutError too
            pass
        finally:
            status = answer.status_code if answer is not None else UNANSWERED
            self.attempts.append(Attempt(at, status, time.monotonic() - at, is_first))
        return answer

    def keep(self, told: Mapping[str, Any]) -> Promise:
        """Notes the answer; one call has one id, whoever asks and however often."""
        promise = Promise(
            told["source"],
            told["call_no"],
            UUID(told["call_id"]),
            UUID(told["referral_id"]),
            told["tracking_code"],
        )
        known = self.promises.setdefault(promise.call_no, promise)
        if known != promise:
            self.broken.append(f"{promise.call_no} was promised as {known} and as {promise}")
        return promise

    def statuses(self) -> Counter[int]:
        return Counter(attempt.status for attempt in self.attempts)

    def first_tries(self, since: float, until: float) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.is_first and since <= attempt.at <= until]
