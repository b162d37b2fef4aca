"""mediation's unit of work: the mirrors of the referrals that a transaction has locked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.delivery import Rows, Work

from mediation_svc.domain.mirror import Mirror
from mediation_svc.store.mirrors import load_mirrors, save_mirrors


class MediationWork(Work):
    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.mirrors: Rows[UUID, Mirror] = self.rows()

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        for mirror in await load_mirrors(connection, referral_ids):
            self.mirrors.load(mirror.referral_id, mirror)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_mirrors(connection, self.mirrors.changed().values())
