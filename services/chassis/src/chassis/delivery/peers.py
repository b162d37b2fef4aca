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

from chassis.delivery.slices import Slices, beginning

HEADS_PAGE = 1000  # a producer answers POSTs beside it: 5,000 hold it up for five times as long
EVENTS_PAGE = 1000
SECONDS = 10.0


@dataclass(frozen=True)
class Heads:
    """One page, in columns: referral ids, heads and event ids as they came, for the database to compare."""

    referral_ids: list[str]
    numbers: list[int]
    event_ids: list[str]
    loss: int = 0
    as_of: datetime | None = None
    adopted: int = 0


class Head(NamedTuple):
    """Where a producer's stream ends."""

    number: int
    event_id: UUID | None


class Known(NamedTuple):
    """An event of ours, or the number alone of one given up, that a consumer knows."""

    referral_id: UUID
    seq: int
    event_id: UUID | None


class NewNumber(NamedTuple):
    """An event that a restored producer had written under a number already taken."""

    event_id: UUID
    referral_id: UUID
    was: int
    seq: int


class Peers:
    """Calls carry the token of role `service`; each raises httpx.HTTPError, also when its answer takes too long.

    `seconds` is for the whole answer, however slowly it drips: people who wait for it give 3.
    """

    def __init__(self, urls: Mapping[str, str], token: str, *, seconds: float = SECONDS) -> None:
        self._urls, self._seconds = urls, seconds
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=seconds)

    async def heads(
        self, producer: str, *, changed_since: datetime | None, changed_before: datetime | None = None
    ) -> AsyncIterator[Heads]:
        """All streams changed since, in pages of 1,000 in the order of their change; raises httpx.HTTPError."""
        after: str | None = None
        while True:
            query = [("limit", str(HEADS_PAGE))]
            if changed_since is not None:
                query.append(("changed_since", changed_since.isoformat()))
            if changed_before is not None:
                query.append(("changed_before", changed_before.isoformat()))
            if after is not None:
                query.append(("after", after))
            answer = await self._get(producer, "/v1/ops/heads", query)
            yield _heads(answer)
            after = answer["next"]
            if after is None:
                return

    async def slices(self, producer: str, *, changed_since: datetime) -> Slices:
        """The same added up by slices of time; raises httpx.HTTPError."""
        since = beginning(changed_since)
        answer = await self._get(producer, "/v1/ops/heads/slices", [("changed_since", since.isoformat())])
        return Slices(
            since,
            {datetime.fromisoformat(row[0]): (row[1], row[2], row[3]) for row in answer["slices"]},
            loss=answer["loss"],
            as_of=datetime.fromisoformat(answer["as_of"]),
            adopted=answer["adopted"],
        )

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

    async def sums(self, producer: str) -> dict[int, tuple[int, int, int]]:
        """Streams, heads and ids of every bucket of streams, added up."""
        answer = await self._get(producer, "/v1/ops/heads/sums", [])
        return {row[0]: (row[1], row[2], row[3]) for row in answer["buckets"]}

    async def heads_in(self, producer: str, buckets: Sequence[int]) -> AsyncIterator[Heads]:
        """All streams of these buckets, in pages of 5,000."""
        after: str | None = None
        while True:
            query = [("bucket", str(bucket)) for bucket in buckets] + ([("after", after)] if after else [])
            answer = await self._get(producer, "/v1/ops/heads/buckets", query)
            yield _heads(answer)
            after = answer["next"]
            if after is None:
                return

    async def known(self, consumer: str, producer: str, *, since: datetime | None) -> list[UUID]:
        """Ids of the producer's events that the consumer has applied, one of every few seconds."""
        query = [("producer", producer)] + ([("since", since.isoformat())] if since else [])
        return [UUID(one) for one in (await self._get(consumer, "/v1/ops/known", query))["events"]]

    async def positions(self, consumer: str, producer: str) -> AsyncIterator[list[Known]]:
        """Everything that the consumer knows of the producer's streams, page by page."""
        after: str | None = None
        while True:
            query = [("producer", producer)] + ([("after", after)] if after else [])
            answer = await self._get(consumer, "/v1/ops/positions", query)
            yield [Known(UUID(row[0]), row[1], UUID(row[2]) if row[2] else None) for row in answer["positions"]]
            after = answer["next"]
            if after is None:
                return

    async def renumbered(self, producer: str, *, since: int) -> list[NewNumber]:
        """What a restored producer has given new numbers to, in the adoptions after `since`."""
        found: list[NewNumber] = []
        after: int | None = 0
        while after is not None:
            query = [("kind", "renumbered"), ("since", str(since)), ("after", str(after))]
            answer = await self._get(producer, "/v1/ops/restore/events", query)
            found += [
                NewNumber(UUID(row["event_id"]), UUID(row["referral_id"]), row["was"], row["seq"])
                for row in answer["items"]
            ]
            after = answer["next"]
        return found

    async def events(self, producer: str, referral_id: UUID) -> list[dict[str, Any]]:
        """All of one stream, with first headers and bodies, in order."""
        found: list[dict[str, Any]] = []
        while True:
            query = [("referral_id", str(referral_id)), ("from_seq", str(found[-1]["seq"] + 1 if found else 1))]
            page = (await self._get(producer, "/v1/ops/events", query))["events"]
            found += page
            if len(page) < EVENTS_PAGE:
                return found

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
        answer.get("adopted", 0),
    )
