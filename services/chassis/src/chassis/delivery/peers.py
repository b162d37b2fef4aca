"""The other services' repair endpoints. Never called inside a transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
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


class Peers:
    """Calls carry the token of role `service`; the `transport` stands in for the network in no test."""

    def __init__(self, urls: Mapping[str, str], token: str) -> None:
        self._urls = urls
        self._client = httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=SECONDS)

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

    async def heads_of(self, producer: str, referral_ids: Sequence[UUID]) -> dict[UUID, int]:
        """The present heads of these streams alone."""
        found: dict[UUID, int] = {}
        for start in range(0, len(referral_ids), 50):
            chosen = [("referral_id", str(one)) for one in referral_ids[start : start + 50]]
            page = _heads(await self._get(producer, "/v1/ops/heads", chosen))
            found |= dict(zip(map(UUID, page.referral_ids), page.numbers, strict=True))
        return found

    async def resend(self, producer: str, wanted: Sequence[tuple[UUID, int]]) -> dict[UUID, str]:
        """Asks for every event from a number on; `queued` or `still_waiting` per referral."""
        body = {"streams": [{"referral_id": str(referral_id), "from_seq": first} for referral_id, first in wanted]}
        answer = await self._client.post(self._urls[producer] + "/v1/ops/resend", json=body)
        answer.raise_for_status()
        return {UUID(row["referral_id"]): row["outcome"] for row in answer.json()["streams"]}

    async def _get(self, producer: str, path: str, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        answer = await self._client.get(self._urls[producer] + path, params=list(query))
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
