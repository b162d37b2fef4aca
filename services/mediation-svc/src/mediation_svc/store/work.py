"""mediation's unit of work: mirrors of the referrals that a transaction has locked, and for those that people have
begun on their cases, blocks and clocks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from chassis.delivery import EventModel, Rows
from chassis.timers import TimedWork
from chassis.workdays import Calendar, day_in_china

from mediation_svc.domain.case import MediationCase, ReferralId
from mediation_svc.domain.facts import Fact
from mediation_svc.domain.guards import Circumstances
from mediation_svc.domain.halts import Halt
from mediation_svc.domain.mirror import Mirror
from mediation_svc.domain.numbering import FileNumber
from mediation_svc.rules.loading import Rulebook
from mediation_svc.store.cases import load_cases, save_cases
from mediation_svc.store.halts import load_halts, save_halts
from mediation_svc.store.mirrors import load_mirrors, save_mirrors
from mediation_svc.store.numbers import Series, lock_numbers, save_numbers
from mediation_svc.store.tables import SCHEMA

Publish = Mapping[type[Any], Callable[[Any], EventModel]]


class MediationWork(TimedWork):
    timer_schema = SCHEMA

    def __init__(self, now: datetime, *, rules: Rulebook, publish: Publish, calendar: Calendar) -> None:
        super().__init__(now, calendar)
        self.rules, self._publish = rules, publish
        self.mirrors: Rows[UUID, Mirror] = self.rows()
        self.cases: Rows[UUID, MediationCase] = self.rows()
        self.halts: Rows[tuple[UUID, str, int], Halt] = self.rows()
        self._halt_keys: dict[UUID, set[tuple[UUID, str, int]]] = {}

    def state(self, referral_id: UUID, fact: Fact) -> UUID:
        """The fact goes out on this referral's stream, in the form that the publish map gives it."""
        return self.record(referral_id, self._publish[type(fact)](fact))

    def mirror(self, referral_id: UUID) -> Mirror:
        return self.mirrors.find(referral_id) or Mirror(ReferralId(referral_id))

    def around(self, referral_id: UUID) -> Circumstances:
        mirror = self.mirror(referral_id)
        return Circumstances(
            self.now,
            mirror.category or "other",
            mirror.grade or "yellow",
            tuple(halt.code for halt in self.standing_halts(referral_id)),
            mirror.closed_at is not None,
        )

    def put_halt(self, halt: Halt) -> None:
        self._halt_keys.setdefault(halt.referral_id, set()).add(halt.key)
        self.halts.put(halt.key, halt)

    def standing_halts(self, referral_id: UUID) -> list[Halt]:
        found = (self.halts.find(key) for key in sorted(self._halt_keys.get(referral_id, ())))
        return [halt for halt in found if halt is not None and not halt.is_lifted]

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        """One statement on the automatic road; the rest only where people have begun."""
        begun = []
        for mirror in await load_mirrors(connection, referral_ids):
            self.mirrors.load(mirror.referral_id, mirror)
            if mirror.has_people:
                begun.append(mirror.referral_id)
        if begun:
            await self._load_begun(connection, begun)

    async def _load_begun(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        for case in await load_cases(connection, referral_ids):
            self.cases.load(case.referral_id, case)
        for halt in await load_halts(connection, referral_ids):
            self._halt_keys.setdefault(halt.referral_id, set()).add(halt.key)
            self.halts.load(halt.key, halt)
        await self.load_timers(connection, referral_ids)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_mirrors(connection, self.mirrors.changed().values())
        await save_cases(connection, self.cases.changed().values())
        await save_halts(connection, self.halts.changed().values())
        await self.save_timers(connection)


class AcceptingWork(MediationWork):
    """The work of an acceptance: it holds the last file number of the committee, so that none is given twice and none
    is lost."""

    def __init__(self, now: datetime, *, rules: Rulebook, publish: Publish, calendar: Calendar) -> None:
        super().__init__(now, rules=rules, publish=publish, calendar=calendar)
        self._last: Rows[Series, int] = self.rows()

    @property
    def year(self) -> int:
        return day_in_china(self.now).year

    def next_file(self, committee_code: str) -> FileNumber:
        """Raises KeyError for a committee of no case that this transaction has locked."""
        series = (committee_code, self.year)
        number = self._last.get(series) + 1
        self._last.put(series, number)
        return self.rules.numbers.file(committee_code, year=self.year, number=number)

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await super().load(connection, referral_ids)
        found = (self.cases.find(referral_id) for referral_id in referral_ids)
        series = {(case.committee.code, self.year) for case in found if case is not None}
        for key, last in (await lock_numbers(connection, series)).items():
            self._last.load(key, last)

    async def save(self, connection: asyncpg.Connection) -> None:
        await super().save(connection)
        await save_numbers(connection, self._last.changed())
