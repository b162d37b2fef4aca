"""Comparison by heads: what each producer has written against what this consumer has applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.peers import Head, Peers

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=10)
AFTER_LOSS = timedelta(days=7)
MOST_LACKS = 10_000


class Comparison:
    """Finds lost tails, which leave no gap, and restored producers, which wrote other events under known numbers."""

    def __init__(self, peers: Peers, store: LackStore, database: Database, schema: str, clock: Clock, consumer: str):
        self._peers, self._store, self._database, self._clock, self._consumer = peers, store, database, clock, consumer
        self._read = f"SELECT succeeded_at, loss_seen FROM {schema}.comparison WHERE consumer = $1 AND producer = $2"
        self._write = f"""
            INSERT INTO {schema}.comparison (consumer, producer, succeeded_at, loss_seen, distrusted)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (consumer, producer) DO UPDATE SET succeeded_at = EXCLUDED.succeeded_at,
                loss_seen = EXCLUDED.loss_seen, distrusted = coalesce(comparison.distrusted, EXCLUDED.distrusted)
        """
        self._distrusted = f"SELECT producer FROM {schema}.comparison WHERE consumer = $1 AND distrusted IS NOT NULL"

    async def distrusted(self) -> set[str]:
        """Producers from which nothing more is applied until a person has adopted their restored state."""
        async with self._database.connection() as connection:
            return {row[0] for row in await connection.fetch(self._distrusted, self._consumer)}

    async def compare(self, producer: str, *, broker_lost_data: bool) -> list[Lack]:
        """Streams in which the producer stands above us; raises httpx.HTTPError when it does not answer."""
        now = self._clock.now()
        started: datetime | None = now
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._read, self._consumer, producer)
        succeeded_at, loss_seen = (row[0], row[1]) if row else (None, 0)
        lacks, restored, loss = await self._page_through(producer, self._since(succeeded_at, broker_lost_data, now))
        if loss > loss_seen and not broker_lost_data:
            log.error("producer_reports_loss", producer=producer)
            more, again, loss = await self._page_through(producer, now - AFTER_LOSS)
            lacks, restored = lacks + more, restored + again
        if restored:
            log.error("producer_restored", producer=producer, streams=len(restored))
        if len(lacks) > MOST_LACKS:  # a backlog: begin again from the same instant when these are reached
            lacks, started = lacks[:MOST_LACKS], succeeded_at
        reason = f"{len(restored)} streams stand below or beside what was applied" if restored else None
        async with self._database.transaction() as connection:
            await connection.execute(self._write, self._consumer, producer, started, loss, reason)
        return lacks

    def _since(self, succeeded_at: datetime | None, broker_lost_data: bool, now: datetime) -> datetime | None:
        if broker_lost_data:
            return now - AFTER_LOSS
        return succeeded_at - OVERLAP if succeeded_at else None

    async def _page_through(self, producer: str, since: datetime | None) -> tuple[list[Lack], list[Head], int]:
        lacks: list[Lack] = []
        restored: list[Head] = []
        loss = 0
        async for page in self._peers.heads(producer, changed_since=since):
            loss = page.loss
            below, beside = await self._judge(producer, page.heads)
            lacks += below
            restored += beside
        return lacks, restored, loss

    async def _judge(self, producer: str, heads: Sequence[Head]) -> tuple[list[Lack], list[Head]]:
        positions = await self._store.positions(producer, [head.referral_id for head in heads])
        lacks, restored, suspects = [], [], []
        for head in heads:
            last, event_id = positions.get(head.referral_id, (0, None))
            if head.head > last:
                lacks.append(Lack(producer, head.referral_id, head.head))
            elif head.head < last:
                suspects.append(head.referral_id)  # or the producer has simply gone on since it answered
            elif event_id != head.event_id:
                restored.append(head)
        for head in await self._peers.heads_of(producer, suspects) if suspects else ():
            if head.head < positions[head.referral_id][0]:
                restored.append(head)
        return lacks, restored
