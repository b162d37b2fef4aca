"""New calls that arrive together are written by one statement and answered by one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
from chassis.database import Database
from chassis.failpoints import failpoint

from intake_svc.domain.submission import Submission
from intake_svc.store.submissions import NewIds, insert_calls

AT_MOST = 100
WRITERS = 2


@dataclass(frozen=True, eq=False)
class NewCall:
    """One that waits for its commit; `received_at` becomes None when the call was there already."""

    new: Submission
    ids: NewIds
    sealed: bytes
    received_at: asyncio.Future[datetime | None] = field(repr=False)


class SharedInsert:
    """Whoever comes while both writers are busy goes with the next statement; when nobody else comes, at once, alone.

    A row that the database refuses falls out alone: then each of the statement's rows is tried by itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[NewCall] = []
        self._writing: set[asyncio.Task[None]] = set()

    async def __call__(self, new: Submission, ids: NewIds, sealed: bytes) -> datetime | None:
        """When the call was received, its commit being on disk, or None when it is already there. Raises what the
        database raises for this row. A caller that goes away takes nothing with it: its row is written all the same.
        """
        call = NewCall(new, ids, sealed, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        self._begin()
        return await call.received_at

    def _begin(self) -> None:
        if self._waiting and len(self._writing) < WRITERS:
            taken, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
            writing = asyncio.create_task(self._write(taken))
            self._writing.add(writing)
            writing.add_done_callback(self._ended)

    def _ended(self, writing: asyncio.Task[None]) -> None:
        self._writing.discard(writing)
        self._begin()

    async def _write(self, calls: Sequence[NewCall]) -> None:
        try:
            await self._insert(calls)
        except asyncpg.PostgresError as error:  # the server's refusal; a lost connection is no PostgresError here
            if len(calls) > 1:
                await asyncio.gather(*(self._write([call]) for call in calls))
            else:
                _refuse(calls, error)
        except Exception as error:  # nobody knows more than this: each of them is told, and asks again
            _refuse(calls, error)
        except asyncio.CancelledError:
            for call in calls:
                call.received_at.cancel()
            raise

    async def _insert(self, calls: Sequence[NewCall]) -> None:
        async with self._database.connection() as connection:
            failpoint("submit.before_commit")
            received = await insert_calls(connection, [(call.new, call.ids, call.sealed) for call in calls])
        failpoint("submit.after_commit")
        for call in calls:
            if not call.received_at.done():
                call.received_at.set_result(received.get(call.ids.call_id))


def _refuse(calls: Sequence[NewCall], error: Exception) -> None:
    for call in calls:
        if not call.received_at.done():
            call.received_at.set_exception(error)
