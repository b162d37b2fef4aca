"""Projecting consumers: read models beside the acting handlers, under a name, a group and positions of their own.

They never touch `stream`: no command and no acting batch waits for them, and one that fails holds up itself alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NoReturn, TypeVar
from uuid import UUID

import asyncpg

from chassis.delivery.contracts import Contracts, Handlers
from chassis.delivery.gate import Position, ReferralGate
from chassis.delivery.statements import ACTING, Moved, OpenedStreams, Statements
from chassis.delivery.turns import OnAny
from chassis.delivery.units import Units
from chassis.delivery.work import Work

W = TypeVar("W", bound="ProjectionWork")


class ProjectionWork(Work):
    """Subclassed with `Rows`, `load` and `save` of the read model, and of nothing else: it may tell nobody anything."""

    def record(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a projection states nothing")

    notify = publish_state = keep_text = record


@dataclass(frozen=True)
class Projection:
    """`handlers` by event model, or one callable that is given every arrival as it came, known type or not.

    It reads the topics of all services, its own too. `make_work` gives a ProjectionWork; `forget` takes all of some
    referrals out of the read model, for a rebuild.
    """

    name: str
    handlers: Handlers | OnAny
    make_work: Callable[[datetime], ProjectionWork]
    forget: Callable[[asyncpg.Connection, Sequence[UUID]], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        if self.name == ACTING:
            raise ValueError("this is the name of the consumer that acts")

    def contracts(self, of_service: Contracts) -> Contracts:
        """Those of a consumer of its own: what it reads depends on no head, not even on its own service's."""
        producers = {**of_service.producers, of_service.topic: of_service.service}  # causes first, as it reads them
        return replace(of_service, service=self.name, producers=producers)


class ProjectionStatements(Statements):
    """Locks one of the projection's own positions of each referral, sorted, missing ones made first; never `stream`."""

    def __init__(self, schema: str, topic: str, *, consumer: str, producers: Sequence[str]) -> None:
        super().__init__(schema, topic, consumer=consumer)
        self._held = min(producers)
        self._open = f"SELECT * FROM {schema}.open_positions($1, $2, $3)"

    async def open_streams(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> OpenedStreams:
        rows = await connection.fetch(self._open, self.consumer, self._held, sorted(referral_ids))
        gates: dict[UUID, ReferralGate] = {}
        parked: set[UUID] = set()
        for row in rows:
            gate = gates.setdefault(row["referral_id"], ReferralGate(row["referral_id"]))
            gate.positions[row["producer"]] = Position(row["last"], row["last_event_id"])
            if row["has_parked"]:
                parked.add(row["referral_id"])
        return OpenedStreams(gates, rows[0]["now_is"], sorted(parked))


class ProjectionUnits(Units[W]):
    """As for handlers that act, but for what is written in the end: the read model alone."""

    async def finish(self, connection: asyncpg.Connection, work: W, moved: Sequence[Moved] = ()) -> None:
        work.keep()
        await work.save(connection)
        await self.statements.write_positions(connection, moved)

    def committed(self, work: W) -> None:
        """There is nothing to relay."""
