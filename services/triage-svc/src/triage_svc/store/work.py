"""What one transaction of triage holds in memory: referrals to change, decisions to add, rules and directory to ask."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.delivery import Rows, Work

from triage_svc.domain.decision import Decision
from triage_svc.domain.directory import Directory
from triage_svc.domain.referral import Referral
from triage_svc.rules.loading import Rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.referrals import add_decisions, load_referrals, save_referrals


class TriageWork(Work):
    def __init__(self, now: datetime, rules: Rulebook, current: CurrentDirectory) -> None:
        super().__init__(now)
        self.rules, self._current = rules, current
        self.referrals: Rows[UUID, Referral] = self.rows()
        self.decisions: Rows[UUID, Decision] = self.rows()

    @property
    def directory(self) -> Directory:
        return self._current.value

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await self._current.refresh(connection)
        for referral in await load_referrals(connection, referral_ids):
            self.referrals.load(referral.referral_id, referral)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_referrals(connection, list(self.referrals.changed().values()))
        await add_decisions(connection, list(self.decisions.changed().values()))
