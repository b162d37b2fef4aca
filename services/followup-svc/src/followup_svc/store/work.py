"""followup's unit of work: everything of the referrals that a transaction has locked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.delivery import Rows
from chassis.timers import TimedWork
from chassis.workdays import Calendar

from followup_svc.domain.closing import ClosingRequest
from followup_svc.domain.gate import Arrivals, HeadAsked, Reached
from followup_svc.domain.halt import Halt
from followup_svc.domain.milestone import MilestoneTold
from followup_svc.domain.noted import Noted
from followup_svc.domain.obligation import Obligation
from followup_svc.domain.reminder import Reminder
from followup_svc.domain.supervision import SupervisionOrder
from followup_svc.domain.visit import ReturnVisit
from followup_svc.domain.watch import ReferralId, Watch
from followup_svc.rules.loading import Rulebook
from followup_svc.store import closings, conditions, pressing
from followup_svc.store.groups import Groups
from followup_svc.store.tables import SCHEMA
from followup_svc.store.visits import load_visits, save_visits
from followup_svc.store.watches import load_noted, load_watches, save_noted, save_watches


class FollowupWork(TimedWork):
    """`asked` is given for a closing alone: what the producers said of the one referral it is about."""

    def __init__(
        self, now: datetime, calendar: Calendar, rules: Rulebook, asked: Collection[HeadAsked] | None = None
    ) -> None:
        super().__init__(now, calendar)
        self.rules, self._asked = rules, asked
        self.arrivals: Arrivals | None = None
        self.noted: Rows[UUID, Noted] = self.rows()
        self.watches: Rows[UUID, Watch] = self.rows()
        self.requests: Rows[UUID, ClosingRequest] = self.rows()
        self.visits: Groups[ReturnVisit] = Groups(self.rows(), lambda v: v.visit_id, lambda v: v.referral_id)
        self.obligations: Groups[Obligation] = Groups(self.rows(), lambda o: o.obligation_id, lambda o: o.referral_id)
        self.milestones: Groups[MilestoneTold] = Groups(self.rows(), lambda m: m.fact_id, lambda m: m.referral_id)
        self.halts: Groups[Halt] = Groups(
            self.rows(), lambda h: (h.referral_id, h.producer, h.seq), lambda h: h.referral_id
        )
        self.reminders: Groups[Reminder] = Groups(
            self.rows(), lambda r: (r.referral_id, r.producer, r.clock, r.key), lambda r: r.referral_id
        )
        self.orders: Groups[SupervisionOrder] = Groups(self.rows(), lambda o: o.order_id, lambda o: o.referral_id)

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        """Two statements for a referral that is on its way to its first office; people's tables only after that."""
        with_more = set()
        for noted in await load_noted(connection, referral_ids):
            self.noted.load(noted.referral_id, noted)
            if noted.has_more:
                with_more.add(noted.referral_id)
        for watch in await load_watches(connection, referral_ids):
            self.watches.load(watch.referral_id, watch)
            with_more.add(watch.referral_id)
        if with_more:
            await self._load_more(connection, sorted(with_more))
        if self._asked is not None:
            await self._load_arrivals(connection, referral_ids[0], self._asked)

    async def _load_more(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await self.load_timers(connection, referral_ids)
        self.visits.load(await load_visits(connection, referral_ids))
        self.obligations.load(await conditions.load_obligations(connection, referral_ids))
        self.milestones.load(await conditions.load_milestones(connection, referral_ids))
        self.halts.load(await conditions.load_halts(connection, referral_ids))
        self.reminders.load(await pressing.load_reminders(connection, referral_ids))
        self.orders.load(await pressing.load_orders(connection, referral_ids))
        for request in await closings.load_requests(connection, referral_ids):
            self.requests.load(request.referral_id, request)

    async def _load_arrivals(
        self, connection: asyncpg.Connection, referral_id: UUID, asked: Collection[HeadAsked]
    ) -> None:
        positions = self.gates[referral_id].positions
        reached = {name: Reached(position.last, position.last_event_id) for name, position in positions.items()}
        self.arrivals = await closings.load_arrivals(connection, referral_id, asked, reached)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_noted(connection, self.noted.changed().values())
        await save_visits(connection, self.visits.changed())
        await conditions.save_obligations(connection, self.obligations.changed())
        await conditions.save_milestones(connection, self.milestones.changed())
        await conditions.save_halts(connection, self.halts.changed())
        await pressing.save_reminders(connection, self.reminders.changed())
        await pressing.save_orders(connection, self.orders.changed())
        await closings.save_requests(connection, self.requests.changed().values())
        for referral_id in self.gates if self._asked else ():
            await closings.save_checks(connection, referral_id, self._asked or ())
        await self.save_timers(connection)
        await save_watches(connection, self.watches.changed().values())

    def noted_of(self, referral_id: UUID) -> Noted:
        return self.noted.find(referral_id) or Noted(ReferralId(referral_id))

    def mark_more(self, referral_id: UUID) -> None:
        """Rows of other tables must be found again although there is no watch yet."""
        if self.watches.find(referral_id) is None:
            self.noted.put(referral_id, self.noted_of(referral_id).with_more())

    def visits_of_cycle(self, watch: Watch) -> list[ReturnVisit]:
        return [visit for visit in self.visits.of(watch.referral_id) if visit.cycle == watch.cycle]

    def is_halted(self, referral_id: UUID) -> bool:
        return any(halt.stands for halt in self.halts.of(referral_id))


STATUS_SQL = f"""
    SELECT referral_id::text AS key, told_version AS version, 'cn.liandong.referral.status.v1' AS type,
           json_build_object('category', category, 'grade', grade, 'area_code', told_area, 'office_code', told_office,
               'state', told_state, 'cycle', told_cycle, 'version', told_version, 'at', told_at,
               'as_of', clock_timestamp()) AS body,
           clock_timestamp() AS as_of
    FROM {SCHEMA}.noted WHERE referral_id = ANY ($1::text[]::uuid[]) AND told_version > 0
"""
"""What the relay reads right before it sends the present state of some referrals."""
