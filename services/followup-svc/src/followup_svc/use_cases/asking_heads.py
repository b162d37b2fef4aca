"""Before a closing's transaction opens the three producers are asked where their streams of this referral stand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import httpx
import structlog
from chassis.database import Database
from chassis.delivery.peers import Peers

from followup_svc.domain.gate import PRODUCERS, HeadAsked
from followup_svc.store.closings import database_now

log = structlog.get_logger(__name__)
PATIENCE_SECONDS = 3.0
AskHeads = Callable[[UUID], Awaitable[list[HeadAsked]]]


class Heads:
    """`ask` gives what was answered; whoever does not answer in time is left out, and the closing waits for him."""

    def __init__(self, peers: Peers, database: Database) -> None:
        self._peers, self._database = peers, database

    async def ask(self, referral_id: UUID) -> list[HeadAsked]:
        """The instant is taken before the question: an answer is never younger than it says."""
        async with self._database.connection() as connection:
            asked_at = await database_now(connection)
        found = await asyncio.gather(*(self._ask_one(name, referral_id, asked_at) for name in PRODUCERS))
        return [one for one in found if one is not None]

    async def _ask_one(self, producer: str, referral_id: UUID, asked_at: datetime) -> HeadAsked | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head, event_id = await self._peers.head_of(producer, referral_id)
        except (httpx.HTTPError, TimeoutError, KeyError, ValueError) as error:
            log.warning("head_not_told", producer=producer, error=type(error).__name__)
            return None
        return HeadAsked(producer, head, event_id, asked_at)
