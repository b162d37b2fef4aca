"""followup's unit of work: notes and watches of the referrals that a transaction has locked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.delivery import Rows, Work

from followup_svc.domain.noted import Noted
from followup_svc.domain.watch import Watch
from followup_svc.store.watches import load_noted, load_watches, save_noted, save_watches


class FollowupWork(Work):
    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.noted: Rows[UUID, Noted] = self.rows()
        self.watches: Rows[UUID, Watch] = self.rows()

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        for noted in await load_noted(connection, referral_ids):
            self.noted.load(noted.referral_id, noted)
        for watch in await load_watches(connection, referral_ids):
            self.watches.load(watch.referral_id, watch)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_noted(connection, self.noted.changed().values())
        await save_watches(connection, self.watches.changed().values())
