"""Which worker this is: the lowest free name, held by an advisory lock, so that no two live twins share one.

A static group member that comes back under its name goes on at once; one that stops for good leaves its partitions
idle for a whole session, because it sends no LeaveGroup.
"""

from __future__ import annotations

import asyncio

import asyncpg
import structlog

from chassis.database import Database
from chassis.delivery.lanes import lock_class
from chassis.delivery.outages import OUTAGES, until_done

log = structlog.get_logger(__name__)

MOST_WORKERS = 64
CHECK_SECONDS = 2.0


class NameLost(RuntimeError):
    """Another worker has taken our name while our lock's connection was gone: only one may live under it."""


class Membership:
    def __init__(self, database: Database, schema: str) -> None:
        self._database, self._schema = database, schema
        self._class = lock_class(schema, "workers")
        self._connection: asyncpg.Connection | None = None
        self._number: int | None = None

    @property
    def name(self) -> str:
        return f"{self._schema}-worker-{self._number}"

    async def join(self) -> None:
        """Returns with a name of our own; waits through an outage of the database."""
        await until_done("membership", self._take)

    async def _take(self) -> None:
        await self.close()
        self._connection = await self._database.dedicated()
        for number in range(MOST_WORKERS) if self._number is None else [self._number]:
            if await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", self._class, number):
                self._number = number
                log.info("worker_named", name=self.name)
                return
        await self._connection.close()
        raise NameLost("no worker name is free")

    async def hold(self) -> None:
        """Takes the name again when the database comes back; raises NameLost when somebody else has it then."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                if self._connection is None or self._connection.is_closed():
                    raise ConnectionError
                await self._connection.execute("SELECT 1")  # a server that is gone does not always close
            except OUTAGES:
                await self.close()
                await self.join()

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
