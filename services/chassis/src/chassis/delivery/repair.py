"""Repair: what is really missing is asked for again, at most five times, and then shown to a person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from random import uniform
from typing import Any
from uuid import UUID

import structlog
from aiokafka.structs import TopicPartition

from chassis.delivery.batch import Applier
from chassis.delivery.buckets import BucketComparison
from chassis.delivery.comparing import Comparison
from chassis.delivery.consuming import ConsumerLoop
from chassis.delivery.contracts import Contracts
from chassis.delivery.lacks import IN_FLIGHT, REAL, UNREPAIRABLE, Lack, LackStore
from chassis.delivery.lasting import lasting
from chassis.delivery.murmur import partition_of
from chassis.delivery.outages import OUTAGES
from chassis.delivery.peers import Peers
from chassis.delivery.reader import Reader
from chassis.delivery.wire import read_after
from chassis.failpoints import failpoint

log = structlog.get_logger(__name__)

MOST_ROUNDS = 5
ASK_AT_ONCE = 500
RELOAD_SECONDS = 15.0
AGAIN_SECONDS = 2.0


class Repair:
    """One per worker; it looks after the referrals whose partitions this worker reads.

    A lack is real only when the producer's logs have been read past the ends noted after it was seen: before that the
    missing event may be on its way, and asking for it would only add to the load (DELIVERY §5).
    """

    def __init__(
        self,
        contracts: Contracts,
        reader: Reader,
        loop: ConsumerLoop,
        applier: Applier[Any],
        comparison: Comparison,
        store: LackStore,
        peers: Peers,
        *,
        gap_seconds: float,
        compare_seconds: float,
        buckets: BucketComparison | None = None,
    ) -> None:
        self._contracts, self._reader, self._loop, self._applier = contracts, reader, loop, applier
        self._comparison, self._store, self._peers = comparison, store, peers
        self._gap_seconds, self._compare_seconds, self._buckets = gap_seconds, compare_seconds, buckets
        self._lacks: dict[tuple[str, UUID], Lack] = {}
        self._list = asyncio.Lock()  # memory and disk change together: a row written late would stay for ever
        self._compare_now = asyncio.Event()
        self._lost_data = False
        self._parked: set[tuple[str, UUID]] = set()
        self.steps_told = 0
        """How often it has asked a producer, struck off what came, or said that it cannot."""

    @property
    def has_unfinished(self) -> bool:
        """Whether something lacks that this member should be reading or asking for.

        What has come and stands parked waits for its turn, and others read what is theirs.
        """
        assigned = self._reader.assignment
        return any(
            lack.state != UNREPAIRABLE
            and lack.key not in self._parked
            and self._contracts.topic_of[lack.producer] not in self._reader.paused
            and (self._partition_of(lack) in assigned if assigned else lack.rounds == 0)
            for lack in self._lacks.values()
        )

    def compare_all(self, reason: str) -> None:
        """The broker has lost data: everything of the last seven days is compared, at once."""
        log.warning("comparing_all", reason=reason)
        self._lost_data = True
        self._compare_now.set()

    async def run(self) -> None:
        """All parts survive every outage; a lack, once found, stays on the list until it is reached."""
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(self._keep_comparing()))
            group.create_task(lasting(self._keep_repairing()))
            if self._buckets is not None:
                group.create_task(lasting(self._buckets.run(self.keep)))

    async def _keep_comparing(self) -> None:
        """Every producer once in `compare_seconds`; who did not answer is asked again soon, over the same window, and
        nobody else with it.

        All begin together, and then each goes on at an instant of its own: what every consumer of a system lists of
        every producer is two seconds of processor a minute on a full road, and nobody is to wait for all of them.
        """
        clock = asyncio.get_running_loop().time
        due = dict.fromkeys(self._contracts.topic_of, clock())
        lost, together = set[str](), set(due)
        while True:
            self._compare_now.clear()
            if self._lost_data:
                self._lost_data = False
                due, lost, together = dict.fromkeys(due, clock()), set(due), set(due)
            for producer in [name for name, at in due.items() if at <= clock()]:
                if not await self._has_compared(producer, broker_lost_data=producer in lost):
                    due[producer] = clock() + AGAIN_SECONDS
                    continue
                share = uniform(0.2, 1) if producer in together else 1  # noqa: S311 - an instant, not a secret
                due[producer] = clock() + share * self._compare_seconds
                lost.discard(producer)
                together.discard(producer)
            left = min(due.values(), default=clock() + self._compare_seconds) - clock()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(left, 0.0)):
                    await self._compare_now.wait()

    async def _has_compared(self, producer: str, *, broker_lost_data: bool) -> bool:
        """Whether it answered, and what it lacks here is kept."""
        try:
            found = await self._comparison.compare(producer, broker_lost_data=broker_lost_data)
            failpoint("repair.compared")
            await self.keep(found.lacks)
            await self._comparison.note(producer, found)
        except OUTAGES as error:
            log.warning("comparison_waits", producer=producer, error=type(error).__name__)
            return False
        return True

    async def _keep_repairing(self) -> None:
        every = min(max(self._gap_seconds / 4, 0.25), 5.0)
        next_load = 0.0
        while True:
            await asyncio.sleep(every)
            try:
                if (now := asyncio.get_running_loop().time()) >= next_load:
                    await self._take_over(await self._store.load())
                    next_load = now + RELOAD_SECONDS
                await self._step()
            except OUTAGES as error:
                self.steps_told += 1
                log.warning("repair_waits", error=type(error).__name__)

    async def _step(self) -> None:
        self._reader.pause({self._contracts.topic_of[name] for name in await self._comparison.distrusted()})
        await self._store.free_known_versions(list(self._contracts.models))
        await self.keep(await self._from_parked())
        if not self._lacks:
            return
        async with self._list:
            reached = await self._store.reached(list(self._lacks.values()))
            await self._store.write([], reached)
            self.steps_told += len(reached)
            for key in reached:
                self._lacks.pop(key, None)
        await self._note_ends()
        await self._ask(await self._read_past())

    async def _from_parked(self) -> list[Lack]:
        """What waiting events need; those that need nothing any more (a retry, a lost race) are tried at once.

        Each for itself: others of its referral may well be waiting for the very one that is free.
        """
        rows = await self._store.waiting_longer_than(self._gap_seconds)
        referral_ids = sorted({row[0] for row in rows})
        at = {name: await self._store.positions(name, referral_ids) for name in self._contracts.topic_of if rows}
        lacking, free = [], set()
        for referral_id, _, _, needs in rows:
            needed = [Lack(name, referral_id, upto) for name, upto in read_after(needs).items()]
            missing = [lack for lack in needed if lack.upto > at[lack.producer].get(referral_id, (0, None))[0]]
            lacking += missing
            if not missing:
                free.add(referral_id)
        if free:
            await self._applier.drain(sorted(free))
        return lacking

    async def keep(self, found: Sequence[Lack]) -> None:
        """New ones are kept on disk; a known one's end is moved up."""
        fresh: dict[tuple[str, UUID], Lack] = {}  # several parked events may need one stream: one row each
        async with self._list:
            for lack in found:
                known = self._lacks.setdefault(lack.key, lack)
                if known is lack or lack.upto > known.upto:
                    known.upto = max(known.upto, lack.upto)
                    fresh[lack.key] = known
            if fresh:
                await self._store.write(fresh.values(), [])

    async def _take_over(self, stored: Sequence[Lack]) -> None:
        """What another worker has found, or this one before its last start: whoever reads the partition asks."""
        async with self._list:
            for lack in stored:
                known = self._lacks.setdefault(lack.key, lack)
                known.upto = max(known.upto, lack.upto)
                if known.state == UNREPAIRABLE and lack.state != UNREPAIRABLE:  # an operator wants it asked for anew
                    known.state, known.rounds, known.noted = lack.state, lack.rounds, {}
                known.rounds = max(known.rounds, lack.rounds)

    async def _note_ends(self) -> None:
        now = asyncio.get_running_loop().time()
        unnoted = [lack for lack in self._lacks.values() if not lack.noted and lack.not_before <= now]
        for producer in {lack.producer for lack in unnoted}:
            topic = self._contracts.topic_of[producer]
            assigned = [tp for tp in self._reader.assignment if tp.topic == topic]
            if not assigned:
                continue
            ends = await self._reader.ends(assigned)
            for lack in unnoted:
                if lack.producer == producer and self._partition_of(lack) in ends:
                    lack.noted = ends

    async def _read_past(self) -> list[Lack]:
        """Those whose noted ends this member has read and committed past: still lacking, so really missing."""
        noted = [lack for lack in self._lacks.values() if lack.noted and lack.state != UNREPAIRABLE]
        wanted = {tp for lack in noted for tp in lack.noted} & self._reader.assignment
        if not wanted:
            return []
        ends = await self._reader.ends(wanted)
        for lack in noted:
            if any(ends.get(tp, end) < end for tp, end in lack.noted.items()):
                lack.noted = {}  # that log is gone, and its numbers with it
            elif self._partition_of(lack) not in self._reader.assignment:
                lack.noted = {}  # another worker reads it now, and asks
        noted = [lack for lack in noted if lack.noted]
        positions = await self._loop.settled_positions(wanted)
        past = [
            lack
            for lack in noted
            if all(positions.get(tp, 0) >= end for tp, end in lack.noted.items() if tp in self._reader.assignment)
        ]
        reached, self._parked = await self._store.reached(past), await self._store.parked(past)
        return [lack for lack in past if lack.key not in reached | self._parked]

    async def _ask(self, missing: Sequence[Lack]) -> None:
        now = asyncio.get_running_loop().time()
        for producer in sorted({lack.producer for lack in missing}):
            self.steps_told += 1
            of_this = [lack for lack in missing if lack.producer == producer]
            spent = [lack for lack in of_this if lack.rounds >= MOST_ROUNDS]
            for lack in spent:
                lack.state = UNREPAIRABLE
                log.error("stream_unrepairable", producer=producer, referral_id=str(lack.referral_id))
            asked = [lack for lack in of_this if lack.rounds < MOST_ROUNDS][:ASK_AT_ONCE]
            try:
                await self._ask_one(producer, asked, now)
            except OUTAGES as error:  # the others are asked all the same
                log.warning("resend_waits", producer=producer, error=type(error).__name__)
            await self._store.write(spent + asked, [])

    async def _ask_one(self, producer: str, asked: Sequence[Lack], now: float) -> None:
        if not asked:
            return
        positions = await self._store.positions(producer, [lack.referral_id for lack in asked])
        wanted = [(lack.referral_id, positions.get(lack.referral_id, (0, None))[0] + 1) for lack in asked]
        outcomes = await self._peers.resend(producer, wanted)
        for lack in asked:
            lack.state = REAL if lack.state == IN_FLIGHT else lack.state
            lack.rounds += outcomes.get(lack.referral_id) in ("queued", "nothing")
            lack.noted, lack.not_before = {}, now + min(self._gap_seconds, 5.0)
        log.warning("resend_asked", producer=producer, streams=len(asked))

    def _partition_of(self, lack: Lack) -> TopicPartition:
        topic = self._contracts.topic_of[lack.producer]
        count = len(self._reader.partitions(topic))
        return TopicPartition(topic, partition_of(str(lack.referral_id), max(count, 1)))
