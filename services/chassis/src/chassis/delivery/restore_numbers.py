"""What an adoption makes of one stream: which numbers are lost, and which events get new ones. Pure; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from chassis.ids import new_id


class Own(NamedTuple):
    """One event of the restored log."""

    seq: int
    event_id: UUID


@dataclass(frozen=True)
class Record:
    """A lost event as the topic still has it."""

    type: str
    causation_id: UUID | None
    headers: str
    body: str


@dataclass(frozen=True)
class Claim:
    """An event, or at least a number, that somebody knows and the restored log does not."""

    referral_id: UUID
    seq: int
    event_id: UUID | None
    known_by: str
    record: Record | None = None


@dataclass(frozen=True)
class Lost:
    """A number whose event the restored database no longer has."""

    seq: int
    event_id: UUID
    record: Record | None
    known_by: str


@dataclass(frozen=True)
class Renumbered:
    """An event written after the restore under a number that was already taken."""

    event_id: UUID
    was: int
    seq: int


@dataclass(frozen=True)
class Raised:
    lost: tuple[Lost, ...]
    renumbered: tuple[Renumbered, ...]
    head: int
    head_event_id: UUID


def raise_stream(own: Sequence[Own], claims: Sequence[Claim], *, newest_lost: UUID | None = None) -> Raised | None:
    """`own` in order; None when nobody knows more than the log. What was lost keeps its numbers: others stand on them.

    Ids sort by time and a stream is written under a lock, so an event whose number is below a lost one's and whose id
    is above it was written after the restore, as was everything behind it. `newest_lost`, of whatever stream, stands
    in for the id of a claim that has none, its place having been given up by operators.
    """
    known = {one.event_id for one in own}
    missing = [
        claim
        for claim in claims
        if (claim.event_id not in known if claim.event_id else claim.seq > (own[-1].seq if own else 0))
    ]
    if not missing:
        return None
    new = _written_since(own, [(claim.seq, claim.event_id or newest_lost) for claim in missing])
    top = max(claim.seq for claim in missing)
    lost = tuple(_lost(seq, missing) for seq in range(len(own) - len(new) + 1, top + 1))
    renumbered = tuple(Renumbered(one.event_id, one.seq, top + place) for place, one in enumerate(new, 1))
    last = renumbered[-1].event_id if renumbered else lost[-1].event_id
    return Raised(lost, renumbered, top + len(renumbered), last)


def _written_since(own: Sequence[Own], lost: Sequence[tuple[int, UUID | None]]) -> Sequence[Own]:
    placed = [(seq, event_id) for seq, event_id in lost if event_id is not None]
    for place, one in enumerate(own):
        if any(seq == one.seq or (seq > one.seq and event_id < one.event_id) for seq, event_id in placed):
            return own[place:]
    return ()


def _lost(seq: int, missing: Sequence[Claim]) -> Lost:
    """As the topic has it, else under the id that a consumer knows, else as a number alone."""
    here = sorted((one for one in missing if one.seq == seq and one.event_id), key=lambda one: one.record is None)
    known_by = ",".join(sorted({claim.known_by for claim in missing if claim.seq >= seq}))
    if not here:
        return Lost(seq, new_id(), None, known_by)
    return Lost(seq, here[0].event_id or new_id(), here[0].record, known_by)
