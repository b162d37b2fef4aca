"""The worker's part in closing: what waits is tried again, and what was closed is looked at once more."""

import asyncio
from uuid import UUID

import asyncpg
import structlog
from chassis.database import Database
from chassis.delivery.outages import until_done

from followup_svc.store.closing_audit import closing_violations
from followup_svc.store.closing_gate import REFUSED
from followup_svc.store.closings import list_due_closings
from followup_svc.use_cases.asking_heads import AskHeads
from followup_svc.use_cases.closing import try_again
from followup_svc.use_cases.closing_units import ClosingCommands

log = structlog.get_logger(__name__)
AT_ONCE = 50
LOOK_SECONDS = 1.0
AUDIT_SECONDS = 3600.0


class ClosingLoop:
    def __init__(self, database: Database, commands: ClosingCommands, ask: AskHeads) -> None:
        self._database, self._commands, self._ask = database, commands, ask

    async def run(self) -> None:
        """Until cancelled. A restart forgets nothing: what waits stands in its table."""
        while True:
            if await until_done("closings", self.try_waiting) < AT_ONCE:
                await asyncio.sleep(LOOK_SECONDS)

    async def try_waiting(self) -> int:
        """One round over what may be tried now; how many that was."""
        async with self._database.connection() as connection:
            waiting = await list_due_closings(connection, limit=AT_ONCE)
        for referral_id in waiting:
            await self.try_one(referral_id)
        return len(waiting)

    async def try_one(self, referral_id: UUID) -> None:
        units = self._commands.units(await self._ask(referral_id))
        try:
            async with units.begin([referral_id]) as work:
                state = try_again(work, referral_id)
        except asyncpg.PostgresError as error:
            if error.sqlstate != REFUSED:
                raise
            log.error("closing_refused_by_database", referral_id=str(referral_id))
            return
        log.info("closing_tried", referral_id=str(referral_id), state=state)


async def audit_loop(database: Database, *, every: float = AUDIT_SECONDS) -> None:
    """A closing that should not have been raises an alarm until a person has dealt with it."""
    while True:
        await until_done("closing_audit", lambda: audit_once(database))
        await asyncio.sleep(every)


async def audit_once(database: Database) -> int:
    async with database.connection() as connection:
        found = await closing_violations(connection)
    for one in found:
        log.error("closing_violation", referral_id=str(one.referral_id), cycle=one.cycle, code=one.code)
    return len(found)
