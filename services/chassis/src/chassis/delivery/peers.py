"""The other services' repair endpoints. Never called inside a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import orjson

HEADS_PAGE = 5000
SECONDS = 10.0


@dataclass(frozen=True)
class Heads:
    """One page, in columns: referral ids, heads and event ids as they came, for the database to compare."""

    referral_ids: list[str]
    numbers: list[int]
    event_ids: list[str]
    loss: int = 0
    as_of: datetime | None = None


class Head(NamedTuple):
    """Where a producer's stream ends."""

    number: int
    event_id: UUID | None


class Peers:
    """Calls carry the token of role `service`; each raises httpx.HTTPError, also when its answer takes too long.

    `seconds` is for the whole answer, however slowly it drips: people who wait for it give 3.
    """

    def __init__(self, urls: Mapping[str, str], token: str, *, seconds: float = SECONDS) -> None:
        self._urls, self._seconds = urls, seconds
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=seconds)

    async def heads(self, producer: str, *, changed_since: datetime | None) -> AsyncIterator[Heads]:
        """All streams changed since, in pages of 5,000 by referral id; raises httpx.HTTPError."""
        after: str | None = None
        while True:
            query = [("limit", str(HEADS_PAGE))]
            if changed_since is not None:
                query.append(("changed_since", changed_since.isoformat()))
            if after is not None:
                query.append(("after", after))
            answer = await self._get(producer, "/v1/ops/heads", query)
            yield _heads(answer)
            after = answer["next"]
            if after is None:
                return

    async def heads_of(self, producer: str, referral_ids: Sequence[UUID]) -> dict[UUID, Head]:
        """The present heads of these streams alone; absent is of what the producer has stated nothing."""
        found: dict[UUID, Head] = {}
        for start in range(0, len(referral_ids), 50):
            chosen = [("referral_id", str(one)) for one in referral_ids[start : start + 50]]
            page = _heads(await self._get(producer, "/v1/ops/heads", chosen))
            for referral_id, number, event_id in zip(page.referral_ids, page.numbers, page.event_ids, strict=True):
                found[UUID(referral_id)] = Head(number, UUID(event_id))
        return found

    async def head_of(self, producer: str, referral_id: UUID) -> Head:
        """Of one stream; `(0, None)` where the producer has stated nothing of it."""
        return (await self.heads_of(producer, [referral_id])).get(referral_id, Head(0, None))

    async def resend(self, producer: str, wanted: Sequence[tuple[UUID, int]]) -> dict[UUID, str]:
        """Asks for every event from a number on; `queued` or `still_waiting` per referral."""
        body = {"streams": [{"referral_id": str(referral_id), "from_seq": first} for referral_id, first in wanted]}
        answer = await self._client.post(self._urls[producer] + "/v1/ops/resend", json=body)
        answer.raise_for_status()
        return {UUID(row["referral_id"]): row["outcome"] for row in answer.json()["streams"]}

    async def _get(self, producer: str, path: str, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._client.get(self._urls[producer] + path, params=list(query))
        except TimeoutError:
            raise httpx.ReadTimeout(f"{producer} has not answered within {self._seconds} s") from None
        answer.raise_for_status()
        content: dict[str, Any] = orjson.loads(answer.content)
        return content

    async def close(self) -> None:
        await self._client.aclose()


def _heads(answer: Mapping[str, Any]) -> Heads:
    referral_ids, numbers, event_ids = zip(*answer["heads"], strict=True) if answer["heads"] else ((), (), ())
    as_of = answer.get("as_of")
    return Heads(
        list(referral_ids),
        list(numbers),
        list(event_ids),
        answer["loss"],
        datetime.fromisoformat(as_of) if as_of else None,
    )
