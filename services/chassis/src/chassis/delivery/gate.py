"""The gate: may this event be applied now, must it wait, or has it been here before? Pure; no I/O.

One `ReferralGate` holds what a transaction that has locked the referral's stream knows of it: the own head, the
position reached in each producer's stream, and the events parked. DELIVERY §3's table is `judge`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from chassis.delivery.contracts import EventModel
from chassis.delivery.wire import Envelope


class Verdict(StrEnum):
    APPLY = "apply"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    WAIT = "wait"


class ParkReason(StrEnum):
    """Why an event stands aside. Only WAITING frees itself; the others wait for a person or a deploy."""

    WAITING = "waiting"
    FAILED = "failed"
    CONFLICT = "conflict"
    UNKNOWN_VERSION = "unknown_version"


@dataclass(slots=True)  # not frozen: a frozen one takes four times as long to make
class Arrival:
    """One event as it came from a producer's topic (or back from parking). Nothing changes it but `read`."""

    producer: str
    envelope: Envelope
    headers: tuple[tuple[str, bytes], ...]
    body: bytes
    _read: EventModel | None = field(default=None, compare=False, repr=False)

    def read(self, model: type[EventModel]) -> EventModel:
        """Its body, parsed once for whoever asks: before the locks for what it names, then for its handler.

        Raises ValueError, as pydantic's ValidationError, every time.
        """
        if self._read is None:
            self._read = model.parse(self.body)
        return self._read

    @property
    def referral_id(self) -> UUID:
        return self.envelope.subject

    @property
    def place(self) -> tuple[str, int]:
        return self.producer, self.envelope.seq


class Parked(NamedTuple):
    arrival: Arrival
    reason: ParkReason
    detail: str = ""


class Position(NamedTuple):
    last: int = 0
    last_event_id: UUID | None = None


_BEFORE_ALL = Position()


@dataclass
class ReferralGate:
    """What is known of one referral while its stream is locked; the batch writes back what changed."""

    referral_id: UUID
    head: int = 0
    head_event_id: UUID | None = None
    positions: dict[str, Position] = field(default_factory=dict)
    parked: dict[tuple[str, int], Parked] = field(default_factory=dict)

    def last(self, producer: str) -> int:
        return self.positions.get(producer, _BEFORE_ALL).last

    def after(self) -> dict[str, int]:
        """What an event written now must carry: everything applied so far."""
        return {producer: position.last for producer, position in self.positions.items() if position.last}

    def judge(self, arrival: Arrival, *, service: str, consumed: frozenset[str]) -> Verdict:
        position = self.positions.get(arrival.producer, _BEFORE_ALL)
        seq, event_id = arrival.envelope.seq, arrival.envelope.event_id
        if seq < position.last:
            return Verdict.DUPLICATE
        if seq == position.last:
            is_known = position.last_event_id in (event_id, None)  # None: given up by operators, whatever it was
            return Verdict.DUPLICATE if is_known else Verdict.CONFLICT
        standing = self.parked.get(arrival.place)
        if standing is not None and standing.arrival.envelope.event_id != event_id:
            return Verdict.CONFLICT
        if standing is not None and standing.reason is not ParkReason.WAITING:
            return Verdict.DUPLICATE
        if arrival.envelope.after.get(service, 0) > self.head:
            return Verdict.CONFLICT  # it answers events that our restored database has never written
        if not self._is_due(arrival, consumed) or self._is_blocked(arrival.producer):
            return Verdict.WAIT
        return Verdict.APPLY

    def _is_due(self, arrival: Arrival, consumed: frozenset[str]) -> bool:
        """Whether it `needs` nothing: asked of every event, so nothing is built."""
        if arrival.envelope.seq - 1 > self.last(arrival.producer):
            return False
        for producer, number in arrival.envelope.after.items():
            if number > self.last(producer) and producer in consumed:
                return False
        return True

    def needs(self, arrival: Arrival, *, consumed: frozenset[str]) -> dict[str, int]:
        """The positions still to be reached before this event's turn, by producer."""
        wanted = {producer: number for producer, number in arrival.envelope.after.items() if producer in consumed}
        wanted[arrival.producer] = max(wanted.get(arrival.producer, 0), arrival.envelope.seq - 1)
        return {producer: number for producer, number in wanted.items() if number > self.last(producer)}

    def pass_over(self, arrival: Arrival) -> None:
        """The position moves: the event was applied, or is none of this service's business."""
        self.positions[arrival.producer] = Position(arrival.envelope.seq, arrival.envelope.event_id)
        self.parked.pop(arrival.place, None)

    def park(self, arrival: Arrival, reason: ParkReason, detail: str = "") -> None:
        self.parked[arrival.place] = Parked(arrival, reason, detail)

    def ready(self, *, service: str, consumed: frozenset[str]) -> Arrival | None:
        """A parked event whose turn has come, lowest number first; None when nothing moves."""
        for parked in self._waiting():
            if self.judge(parked.arrival, service=service, consumed=consumed) is Verdict.APPLY:
                return parked.arrival
        return None

    def _waiting(self) -> Iterator[Parked]:
        for place in sorted(self.parked, key=lambda place: (place[1], place[0])):
            if self.parked[place].reason is ParkReason.WAITING:
                yield self.parked[place]

    def _is_blocked(self, producer: str) -> bool:
        return bool(self.parked) and any(
            name == producer and parked.reason is ParkReason.CONFLICT for (name, _), parked in self.parked.items()
        )


def needs_text(needs: Mapping[str, int]) -> str:
    return ",".join(f"{producer}:{number}" for producer, number in sorted(needs.items()))
