"""The unit of work: locks, loads, saves, writes events, commits, and wakes the relay. One way for every edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg

from chassis.database import Database
from chassis.delivery.statements import Moved, OpenedStreams, Statements
from chassis.delivery.work import Work
from chassis.failpoints import failpoint
from chassis.sealing import Keyring
from chassis.texts import write_texts

W = TypeVar("W", bound=Work)


class Units(Generic[W]):
    """Makes transactions that touch referrals.

    `make_work` builds the service's `Work` for one transaction; `wake` is called after each commit that
    has left something to send. `keyring` seals the texts that work keeps and the answers of commands.
    """

    def __init__(
        self,
        database: Database,
        statements: Statements,
        make_work: Callable[[datetime], W],
        wake: Callable[[], None],
        *,
        keyring: Keyring | None = None,
    ) -> None:
        self.database, self.statements, self.keyring = database, statements, keyring
        self._make_work, self._wake = make_work, wake

    @asynccontextmanager
    async def begin(self, referral_ids: Sequence[UUID]) -> AsyncIterator[W]:
        """A command: one transaction over these referrals. What the body raises undoes it whole."""
        async with self.transaction() as connection:
            work, _ = await self.lock(connection, referral_ids)
            yield work
            await self.finish(connection, work)
        self.committed(work)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """For the edges that must do something before the streams are locked; then `lock`, `finish`, `committed`."""
        async with self.database.transaction() as connection:
            yield connection

    async def lock(
        self, connection: asyncpg.Connection, referral_ids: Sequence[UUID], *, untouched: Collection[UUID] = ()
    ) -> tuple[W, OpenedStreams]:
        """The streams of all referrals named, in id order, then their aggregates. Call it once in a transaction.

        Those `untouched` only move positions and are not loaded, unless something is parked, which may then be freed.
        """
        opened = await self.statements.open_streams(connection, referral_ids)
        work = self._make_work(opened.now)
        work.gates, work.keyring = opened.gates, self.keyring
        idle = () if opened.have_parked else untouched
        if acted_on := [referral_id for referral_id in opened.gates if referral_id not in idle]:
            await work.load(connection, acted_on)
        return work, opened

    async def finish(self, connection: asyncpg.Connection, work: W, moved: Sequence[Moved] = ()) -> None:
        """`moved` are the positions that a batch has reached."""
        work.keep()
        await work.save(connection)
        await write_texts(connection, self.statements.schema, work.texts)
        await self.statements.write_outgoing(connection, work.numbered, work.told, moved, at=work.now)
        failpoint("unit.before_commit")

    def committed(self, work: W) -> None:
        failpoint("unit.after_commit")
        if work.numbered or work.told:
            self._wake()
