"""Copies of what failed or contradicts itself, for the dead-letter topic; the parked row is the thing itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from chassis.delivery.contracts import Contracts
from chassis.delivery.gate import Parked, ParkReason, needs_text
from chassis.delivery.work import Work

COPIED = (ParkReason.FAILED, ParkReason.CONFLICT)


class DeadLetter(BaseModel):
    """Where the event belongs and why it stands aside; nothing of what it said."""

    TYPE: ClassVar[str] = "event_parked.v1"
    URGENT: ClassVar[bool] = False

    event_id: UUID
    type: str
    referral_id: UUID
    producer: str
    seq: int
    reason: str
    needs: str

    @classmethod
    def parse(cls, body: bytes) -> Self:
        return cls.model_validate_json(body)

    @classmethod
    def example(cls) -> Self:
        return cls(
            event_id=UUID(int=1), type="cn.example.one.done.v1", referral_id=UUID(int=2), producer="one", seq=1,
            reason=ParkReason.FAILED.value, needs="",
        )  # fmt: skip

    def named_referrals(self) -> tuple[UUID, ...]:
        return ()

    @classmethod
    def of(cls, parked: Parked, needs: Mapping[str, int]) -> Self:
        envelope = parked.arrival.envelope
        return cls(
            event_id=envelope.event_id, type=envelope.type, referral_id=envelope.subject,
            producer=parked.arrival.producer, seq=envelope.seq, reason=parked.reason.value, needs=needs_text(needs),
        )  # fmt: skip


class DeadLetters:
    """In the transaction that parks; nothing where the deployment has no such topic."""

    def __init__(self, contracts: Contracts) -> None:
        topic = f"{contracts.service}.dlq.v1"
        self._topic = topic if any(known.name == topic for known in contracts.topics) else None
        self._service = contracts.service
        self._versions = f"""
            SELECT key, max(version) FROM {contracts.service}.notice WHERE topic = $1 AND key = ANY ($2) GROUP BY key
        """

    async def copy(
        self, connection: asyncpg.Connection, work: Work, parked: Iterable[tuple[Parked, Mapping[str, int]]]
    ) -> None:
        """The version under a key goes on from the last copy: the referral's stream is locked."""
        letters = [DeadLetter.of(one, needs) for one, needs in parked if one.reason in COPIED]
        if self._topic is None or not letters:
            return
        keys = sorted({str(letter.referral_id) for letter in letters})
        versions = {row[0]: row[1] for row in await connection.fetch(self._versions, self._topic, keys)}
        for letter in letters:
            key = str(letter.referral_id)
            versions[key] = versions.get(key, 0) + 1
            work.notify(
                self._topic, key, self._type_beside(letter.type), letter,
                referral_id=letter.referral_id, version=versions[key],
            )  # fmt: skip

    def _type_beside(self, event_type: str) -> str:
        """`cn.example.one.done.v1`, parked in `two`, is told of as `cn.example.two.event_parked.v1`."""
        return ".".join([*event_type.split(".")[:2], self._service, DeadLetter.TYPE])
