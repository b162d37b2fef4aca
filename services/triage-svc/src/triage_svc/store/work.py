"""What one transaction of triage holds in memory: referrals with their halts and clocks, decisions to add, and what
rules and directory say."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from chassis.delivery import EventModel, Rows
from chassis.timers import TimedWork, Timer
from chassis.workdays import Calendar

from triage_svc.domain.decision import Decision
from triage_svc.domain.directory import Directory
from triage_svc.domain.facts import Fact
from triage_svc.domain.halts import Halt
from triage_svc.domain.referral import Referral
from triage_svc.rules.loading import Rulebook
from triage_svc.store.decisions import add_decisions
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.halts import load_halts, save_halts
from triage_svc.store.referrals import load_referrals, save_referrals
from triage_svc.store.tables import SCHEMA

Publish = Mapping[type[Any], Callable[[Any], EventModel]]
HaltKey = tuple[UUID, str, int]


class TriageWork(TimedWork):
    timer_schema = SCHEMA

    def __init__(
        self, now: datetime, *, rules: Rulebook, current: CurrentDirectory, publish: Publish, calendar: Calendar
    ) -> None:
        super().__init__(now, calendar)
        self.rules, self._current, self._publish = rules, current, publish
        self.referrals: Rows[UUID, Referral] = self.rows()
        self.decisions: Rows[UUID, Decision] = self.rows()
        self.halts: Rows[HaltKey, Halt] = self.rows()
        self.counted: dict[tuple[str, str], Timer] = {}
        self._halt_keys: dict[UUID, set[HaltKey]] = {}

    @property
    def directory(self) -> Directory:
        return self._current.value

    def state(self, referral_id: UUID, fact: Fact) -> UUID:
        """The fact goes out on this referral's stream, in the form that the publish map gives it."""
        return self.record(referral_id, self._publish[type(fact)](fact))

    def put_halt(self, halt: Halt) -> None:
        key = (halt.referral_id, halt.producer, halt.seq)
        self._halt_keys.setdefault(halt.referral_id, set()).add(key)
        self.halts.put(key, halt)

    def standing_halts(self, referral_id: UUID) -> list[Halt]:
        found = (self.halts.find(key) for key in sorted(self._halt_keys.get(referral_id, ())))
        return [halt for halt in found if halt is not None and not halt.is_lifted]

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        """One statement while everything is new, as when referrals open: what is not there has no halts, no clocks."""
        await self._current.refresh(connection)
        known = await load_referrals(connection, referral_ids)
        for referral in known:
            self.referrals.load(referral.referral_id, referral)
        if known:
            await self._load_overlays(connection, [referral.referral_id for referral in known])

    async def _load_overlays(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await self.load_timers(connection, referral_ids)
        for halt in await load_halts(connection, referral_ids):
            key = (halt.referral_id, halt.producer, halt.seq)
            self._halt_keys.setdefault(halt.referral_id, set()).add(key)
            self.halts.load(key, halt)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_referrals(connection, list(self.referrals.changed().values()))
        await add_decisions(connection, list(self.decisions.changed().values()))
        await save_halts(connection, list(self.halts.changed().values()))
        await self.save_timers(connection)
