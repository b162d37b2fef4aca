"""What becomes of each event of a batch in its turn, in memory: between the locks and what is written.

Nothing here does I/O. A handler that raises has its event parked as failed and the rest of the batch goes on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import structlog

from chassis.delivery.contracts import Contracts, Handlers
from chassis.delivery.gate import Arrival, Parked, ParkReason, ReferralGate, Verdict
from chassis.delivery.work import Work
from chassis.failpoints import failpoint

W = TypeVar("W", bound=Work)
OnAny: TypeAlias = Callable[[Arrival, Any], None]
log = structlog.get_logger(__name__)

_SET_ASIDE = {Verdict.DUPLICATE: "duplicate", Verdict.WAIT: "waiting", Verdict.CONFLICT: "conflict"}


@dataclass
class Batch(Generic[W]):
    """What one transaction knows while it goes through its events."""

    work: W
    doomed: frozenset[UUID]
    tried: list[UUID]
    parked_before: dict[UUID, dict[tuple[str, int], Parked]] = field(default_factory=dict)
    positions_before: dict[UUID, dict[str, int]] = field(default_factory=dict)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class Portion:
    """What one transaction is to apply or to free; `singly`: one event of it at most."""

    arrivals: Sequence[Arrival] = ()
    drained: Sequence[UUID] = ()
    singly: bool = False

    @property
    def size(self) -> int:
        return len(self.arrivals) + len(self.drained)

    def halves(self) -> tuple[Portion, Portion]:
        """In order; there is never both in one portion."""
        middle = self.size // 2
        return (
            replace(self, arrivals=self.arrivals[:middle], drained=self.drained[:middle]),
            replace(self, arrivals=self.arrivals[middle:], drained=self.drained[middle:]),
        )


class Turns(Generic[W]):
    """`is_condemned` tells of an event that has ended its process too often to be tried again."""

    def __init__(self, contracts: Contracts, handlers: Handlers | OnAny, is_condemned: Callable[[UUID], bool]) -> None:
        self._contracts, self._is_condemned = contracts, is_condemned
        self._on_any: OnAny | None = handlers if callable(handlers) else None
        self.handlers = {} if callable(handlers) else {model.TYPE: handler for model, handler in handlers.items()}

    def handles(self, arrival: Arrival) -> bool:
        return self._on_any is not None or arrival.envelope.type in self.handlers

    def about_to_handle(self, portion: Portion, batch: Batch[W]) -> set[UUID]:
        """Every event that may go through a handler in this transaction; in a single one at most one."""
        gates = batch.work.gates
        coming = [
            (arrival, self._judge(gates[arrival.referral_id], arrival))
            for arrival in portion.arrivals
            if self.handles(arrival)
        ]
        if portion.singly:
            ready = [arrival for arrival, verdict in coming if verdict is Verdict.APPLY] or [
                arrival for gate in gates.values() if portion.drained and (arrival := self._ready(gate)) is not None
            ]
            return {arrival.envelope.event_id for arrival in ready[:1]}
        waiting = [one for gate in gates.values() for one in gate.parked.values() if one.reason is ParkReason.WAITING]
        return {
            arrival.envelope.event_id for arrival, verdict in coming if verdict in (Verdict.APPLY, Verdict.WAIT)
        } | {parked.arrival.envelope.event_id for parked in waiting}

    def take(self, arrival: Arrival, batch: Batch[W], *, frees: bool = True) -> None:
        gate = batch.work.gates[arrival.referral_id]
        verdict = self._judge(gate, arrival)
        if verdict is Verdict.APPLY:
            self._apply(arrival, gate, batch)
            if frees:
                self._free_parked(gate, batch)
            return
        self._count(batch, arrival, _SET_ASIDE[verdict])
        if verdict is Verdict.WAIT:
            gate.park(arrival, ParkReason.WAITING)
        elif verdict is Verdict.CONFLICT:
            self._park_conflict(arrival, gate)

    def free(self, portion: Portion, batch: Batch[W]) -> bool:
        """What is parked in any stream of this transaction; in a single one the first, if nothing arrives in it."""
        gates = batch.work.gates.values()
        if not portion.singly:
            return sum(self._free_parked(gate, batch) for gate in gates) > 0
        return bool(portion.drained) and any(self._free_parked(gate, batch, at_most=1) for gate in gates)

    def _free_parked(self, gate: ReferralGate, batch: Batch[W], *, at_most: int | None = None) -> int:
        freed = 0
        while gate.parked and freed != at_most and (arrival := self._ready(gate)) is not None:
            self._apply(arrival, gate, batch)
            freed += 1
        return freed

    def _judge(self, gate: ReferralGate, arrival: Arrival) -> Verdict:
        return gate.judge(arrival, service=self._contracts.service, consumed=self._contracts.consumed)

    def _ready(self, gate: ReferralGate) -> Arrival | None:
        return gate.ready(service=self._contracts.service, consumed=self._contracts.consumed)

    def _apply(self, arrival: Arrival, gate: ReferralGate, batch: Batch[W]) -> None:
        event_type = arrival.envelope.type
        if self._on_any is None and self._contracts.is_unknown_version(event_type):
            gate.park(arrival, ParkReason.UNKNOWN_VERSION, event_type)
            self._count(batch, arrival, "unknown_version")
            return
        handler = self.handlers.get(event_type)
        if handler is None and self._on_any is None:
            self._count(batch, arrival, "passed_over")
            gate.pass_over(arrival)
            return
        work = batch.work
        work.begin_event(arrival.referral_id, arrival.envelope.event_id, arrival.envelope.time)
        batch.tried.append(arrival.envelope.event_id)
        if self._is_condemned(arrival.envelope.event_id):
            self._park_failed(arrival, gate, batch, "WorkerDied")
            return
        try:
            failpoint(f"handler.{event_type}")
            if arrival.envelope.event_id in batch.doomed:
                raise ValueError("the database refuses what this event would write")
            if handler is not None:
                handler(arrival.read(self._contracts.models[event_type]), work)
            elif self._on_any is not None:
                self._on_any(arrival, work)
        except Exception as error:  # the event is parked as failed, its stream waits, the rest of the batch goes on
            self._park_failed(arrival, gate, batch, type(error).__name__, error)
        else:
            gate.pass_over(arrival)
            work.keep()
            self._count(batch, arrival, "applied")

    def _park_failed(
        self, arrival: Arrival, gate: ReferralGate, batch: Batch[W], why: str, error: Exception | None = None
    ) -> None:
        batch.work.forget()
        gate.park(arrival, ParkReason.FAILED, why)
        self._count(batch, arrival, "failed")
        log.error(
            "event_failed", type=arrival.envelope.type, referral_id=str(arrival.referral_id), error=why, exc_info=error
        )

    def _count(self, batch: Batch[W], arrival: Arrival, outcome: str) -> None:
        """By types that we know; any other name may be anything."""
        event_type = arrival.envelope.type
        batch.outcomes[event_type if event_type in self._contracts.models else "unknown", outcome] += 1

    def _park_conflict(self, arrival: Arrival, gate: ReferralGate) -> None:
        """Another event under a number that is taken: a restored producer, or a restored self. A person must look."""
        log.error("event_conflict", producer=arrival.producer, referral_id=str(gate.referral_id))
        standing = gate.parked.get(arrival.place)
        kept = standing.arrival if standing else arrival
        gate.park(kept, ParkReason.CONFLICT, f"also {arrival.envelope.event_id}")
