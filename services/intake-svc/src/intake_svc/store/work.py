"""intake's unit of work: the calls a transaction changes, what people and sources have to do with them, and facts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from chassis.delivery import EventModel, Rows
from chassis.timers import TimedWork, Timer
from chassis.workdays import Calendar

from intake_svc.domain.blocks import Block, BlockId
from intake_svc.domain.call import Call, CallId, CallState
from intake_svc.domain.desk_data import ClockRules
from intake_svc.domain.facts import MilestoneTold, Party, PartyId
from intake_svc.domain.feedback import Feedback
from intake_svc.store.calls import save_calls, save_parties
from intake_svc.store.desk import save_blocks, save_feedback
from intake_svc.store.loading import LoadedCall, load_calls
from intake_svc.store.tables import SCHEMA

Publish = Mapping[type[Any], Callable[[Any], EventModel]]
FEEDBACK_TOPIC = "police.feedback.v1"
_TIMED = frozenset({CallState.AWAITING_SCREENER, CallState.RETAINED_BY_POLICE, CallState.RETURNED})


class IntakeWork(TimedWork):
    """Knows the calls whose own referrals are locked, whole."""

    timer_schema = SCHEMA

    def __init__(self, now: datetime, calendar: Calendar, *, publish: Publish, clocks: ClockRules) -> None:
        super().__init__(now, calendar)
        self.calls: Rows[CallId, Call] = self.rows()
        self.parties: Rows[PartyId, tuple[CallId, Party]] = self.rows()
        self.blocks: Rows[BlockId, Block] = self.rows()
        self.feedback: Rows[tuple[CallId, UUID], Feedback] = self.rows()
        self.loaded: tuple[LoadedCall, ...] = ()
        self._publish, self._clocks = publish, clocks
        self._own: dict[UUID, CallId] = {}
        self._blocks_of: dict[CallId, list[BlockId]] = {}
        self._feedback_of: dict[CallId, list[UUID]] = {}

    def call_of(self, referral_id: UUID) -> Call | None:
        """The call that this referral was reserved for."""
        call_id = self._own.get(referral_id)
        return self.calls.find(call_id) if call_id else None

    def scope_of(self, call_id: CallId) -> str | None:
        """The area of the call's station; None while that is not known."""
        return next((one.scope_path for one in self.loaded if one.call.call_id == call_id), None)

    def blocks_of(self, call_id: CallId) -> list[Block]:
        found = (self.blocks.find(block_id) for block_id in self._blocks_of.get(call_id, ()))
        return [block for block in found if block is not None]

    def feedback_of(self, call_id: CallId) -> list[Feedback]:
        found = (self.feedback.find((call_id, fact_id)) for fact_id in self._feedback_of.get(call_id, ()))
        return [one for one in found if one is not None]

    def put_block(self, block: Block) -> None:
        _listed(self._blocks_of.setdefault(block.call_id, []), block.block_id)
        self.blocks.put(block.block_id, block)

    def put_feedback(self, feedback: Feedback) -> None:
        _listed(self._feedback_of.setdefault(feedback.call_id, []), feedback.fact_id)
        self.feedback.put((feedback.call_id, feedback.fact_id), feedback)

    def tell(self, referral_id: UUID, fact: object, *, causation_id: UUID | None = None) -> UUID:
        """The fact goes out on this referral's stream, in the form that the publish map gives it; its event's id."""
        return self.record(referral_id, self._publish[type(fact)](fact), causation_id=causation_id)

    def tell_source(self, call: Call, told: Feedback) -> UUID:
        """One record to the source of the call; the id of the notice."""
        model = self._publish[MilestoneTold](MilestoneTold(call, told))
        key = f"{call.source}/{call.call_no}"
        return self.notify(
            FEEDBACK_TOPIC, key, model.TYPE, model, referral_id=call.referral_id, version=told.version
        )  # fmt: skip

    def start(
        self, referral_id: UUID, clock: str, *, key: str = "", since: datetime | None = None, silent: bool = False
    ) -> Timer:
        """By the rules of clocks.yaml."""
        span, rule = self._clocks.spans[clock], self._clocks.rule(clock)
        return self.start_clock(referral_id, clock, span, rule=rule, key=key, start=since, silent=silent)

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        self.loaded = tuple(await load_calls(connection, referral_ids))
        for one in self.loaded:
            call = one.call
            self.calls.load(call.call_id, call)
            self._own[call.referral_id] = call.call_id
            for block in one.blocks:
                self.blocks.load(block.block_id, block)
                _listed(self._blocks_of.setdefault(call.call_id, []), block.block_id)
            for telling in one.feedback:
                self.feedback.load((call.call_id, telling.fact_id), telling)
                _listed(self._feedback_of.setdefault(call.call_id, []), telling.fact_id)
        if timed := [one.call.referral_id for one in self.loaded if _has_clocks(one)]:
            await self.load_timers(connection, timed)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_calls(connection, self.calls.changed().values())
        await save_parties(connection, self.parties.changed().values())
        if blocks := self.blocks.changed():
            numbers = {one.recorded.event_id: one.seq for one in self.numbered}
            await save_blocks(connection, blocks.values(), numbers)
        if tellings := self.feedback.changed():
            told = [(self.calls.get(call_id).referral_id, one) for (call_id, _), one in tellings.items()]
            await save_feedback(connection, told)
        await self.save_timers(connection)


def _has_clocks(loaded: LoadedCall) -> bool:
    return loaded.call.state in _TIMED or loaded.call.told > 0


def _listed(ids: list[Any], one: Any) -> None:
    if one not in ids:
        ids.append(one)
