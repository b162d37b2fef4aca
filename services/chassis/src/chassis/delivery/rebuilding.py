"""A read model made anew from the producers' own logs, page of referrals by page, while its consumer goes on.

Nothing passes Kafka and no handler that acts sees it. One referral is rebuilt under the lock that its consumer takes
too: what the consumer applies before is fetched, what it applies after comes on top.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import orjson
import structlog

from chassis.database import Database
from chassis.database_errors import retrying
from chassis.delivery.batch import Applier
from chassis.delivery.contracts import Contracts
from chassis.delivery.gate import Arrival, Position
from chassis.delivery.ledger import OutgoingReads
from chassis.delivery.naming import names_others
from chassis.delivery.peers import Peers
from chassis.delivery.projecting import Projection, ProjectionStatements, ProjectionUnits, ProjectionWork
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import kafka_headers
from chassis.delivery.turns import Batch, Portion
from chassis.delivery.wire import read_headers
from chassis.failpoints import failpoint
from chassis.sealing import Keyring

log = structlog.get_logger(__name__)

PAGE = 100
ASKED_AT_ONCE = 8
ATTEMPTS = 3
MOST_OF_A_LOG = 1000
LONG_AGO = datetime.min.replace(tzinfo=UTC)

Logs: TypeAlias = Mapping[UUID, Sequence[Arrival]]


@dataclass(frozen=True)
class Rebuilt:
    """`left` stand as they were: their logs no longer lead to where the read model has come."""

    referrals: int = 0
    left: tuple[UUID, ...] = ()


class FellShort(Exception):
    """Of these referrals the consumer has come further than what was fetched leads."""

    def __init__(self, referral_ids: set[UUID]) -> None:
        super().__init__(f"{len(referral_ids)} referrals")
        self.referral_ids = referral_ids


class Rebuild:
    """Raises ValueError for a projection that does not say how to forget, or whose events touch several referrals."""

    def __init__(
        self, projection: Projection, contracts: Contracts, database: Database, peers: Peers, keyring: Keyring
    ) -> None:
        if projection.forget is None:
            raise ValueError(f"{projection.name} does not say how a referral is forgotten")
        handled: Iterable[Any] = () if callable(projection.handlers) else projection.handlers
        if any(names_others(model) for model in handled):
            raise ValueError(f"{projection.name} keeps several referrals by one event: they have no page to be in")
        schema, self._database, self._peers = contracts.service, database, peers
        self._own, self._contracts = schema, projection.contracts(contracts)
        self._log = OutgoingReads(schema, contracts.topic)
        self._applier = Anew(projection, self._contracts, database, schema, keyring)
        self._page = f"""
            SELECT referral_id FROM (
                (SELECT referral_id FROM {schema}.stream WHERE referral_id > $1 ORDER BY referral_id LIMIT {PAGE})
                UNION
                (SELECT DISTINCT referral_id FROM {schema}.stream_pos WHERE referral_id > $1
                 ORDER BY referral_id LIMIT {PAGE})) known
            ORDER BY referral_id LIMIT {PAGE}
        """

    async def run(self) -> Rebuilt:
        """All referrals that this service has heard of. Raises httpx.HTTPError, DatabaseUnavailable; begin again."""
        done, last = Rebuilt(), UUID(int=0)
        while True:
            async with self._database.connection() as connection:
                page = [row[0] for row in await connection.fetch(self._page, last)]
            if not page:
                return done
            left = await self._rebuild(page)
            done = Rebuilt(done.referrals + len(page) - len(left), (*done.left, *left))
            last = page[-1]

    async def _rebuild(self, referral_ids: Sequence[UUID]) -> tuple[UUID, ...]:
        """Those that fall short are fetched again: events go on meanwhile."""
        wanted = list(referral_ids)
        for _ in range(ATTEMPTS):
            wanted = await self._apply(await self._fetch(wanted))
            if not wanted:
                return ()
        log.warning("rebuild_left_as_it_was", referrals=len(wanted))
        return tuple(wanted)

    async def _apply(self, logs: Logs) -> list[UUID]:
        """Returns those that fell short; all others are done."""
        failpoint("rebuild.fetched")
        short = set[UUID]()
        while logs.keys() - short:
            chosen = {one: logs[one] for one in logs.keys() - short}
            try:
                await retrying(partial(self._applier.apply_anew, chosen))
                break
            except FellShort as some:
                short |= some.referral_ids
        return sorted(short)

    async def _fetch(self, referral_ids: Sequence[UUID]) -> Logs:
        """Every producer's own log of each referral, in the order in which things were said."""
        few = asyncio.Semaphore(ASKED_AT_ONCE)

        async def one(producer: str, referral_id: UUID) -> list[Arrival]:
            async with few:
                return [_arrival(producer, row) for row in await self._events(producer, referral_id)]

        asked = [(producer, one_id) for one_id in referral_ids for producer in sorted(self._contracts.consumed)]
        answers = await asyncio.gather(*(one(producer, one_id) for producer, one_id in asked))
        logs: dict[UUID, list[Arrival]] = {one_id: [] for one_id in referral_ids}
        for (_, one_id), arrivals in zip(asked, answers, strict=True):
            logs[one_id] += arrivals
        return {one_id: sorted(found, key=_said) for one_id, found in logs.items()}

    async def _events(self, producer: str, referral_id: UUID) -> list[dict[str, Any]]:
        if producer != self._own:
            return await self._peers.events(producer, referral_id)
        found: list[dict[str, Any]] = []
        while True:
            async with self._database.connection() as connection:
                page = await self._log.events(connection, referral_id, len(found) + 1)
            found += page
            if len(page) < MOST_OF_A_LOG:
                return found


class Anew(Applier[ProjectionWork]):
    """Applies whole logs from nothing, in one transaction over their referrals."""

    def __init__(
        self, projection: Projection, contracts: Contracts, database: Database, schema: str, keyring: Keyring
    ) -> None:
        assert projection.forget is not None
        self._forget = projection.forget
        statements = ProjectionStatements(
            schema, contracts.topic, consumer=projection.name, producers=sorted(contracts.consumed)
        )
        units = ProjectionUnits(database, statements, projection.make_work, lambda: None)
        quarantine = Quarantine(database, schema, keyring, consumer=projection.name)
        super().__init__(units, contracts, projection.handlers, quarantine)

    async def apply_anew(self, logs: Logs) -> None:
        """Raises FellShort, and has changed nothing then."""
        referral_ids = sorted(logs)
        async with self._units.transaction() as connection:
            await self._units.statements.open_streams(connection, referral_ids)
            await self._forget(connection, referral_ids)
            batch = await self._open(connection, referral_ids, frozenset(), [], untouched=frozenset())
            for gate in batch.work.gates.values():
                gate.positions = dict.fromkeys(gate.positions, Position())
                gate.parked = {}
            arrivals = [arrival for referral_id in referral_ids for arrival in logs[referral_id]]
            for arrival in arrivals:
                self._turns.take(arrival, batch)
            self._turns.free(Portion(arrivals), batch)
            if short := {referral_id for referral_id in referral_ids if _fell_short(batch, referral_id)}:
                raise FellShort(short)
            await self._write(connection, batch)


def _fell_short(batch: Batch[ProjectionWork], referral_id: UUID) -> bool:
    gate = batch.work.gates[referral_id]
    behind = any(gate.last(name) < last for name, last in batch.positions_before[referral_id].items())
    return behind or any(
        seq > gate.last(name) and (name, seq) not in gate.parked for name, seq in batch.parked_before[referral_id]
    )


def _arrival(producer: str, row: Mapping[str, Any]) -> Arrival:
    headers = tuple(kafka_headers(row["headers"]))
    return Arrival(producer, read_headers(headers), headers, orjson.dumps(row["body"]))


def _said(arrival: Arrival) -> tuple[datetime, str, int]:
    return arrival.envelope.time or LONG_AGO, arrival.producer, arrival.envelope.seq
