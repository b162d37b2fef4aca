"""Discarding, over HTTP: `…/discard` by one operator, `…/discard/confirm` by another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from chassis.auth import Caller
from chassis.database import Database
from chassis.delivery.discarding import Asked, Discardable, Discarding
from chassis.delivery.discarding import Request as Act
from chassis.delivery.discarding_kinds import ParkedEvent, QuarantinedRecord, UnrepairableStream, UnsendableRecord
from chassis.delivery.ops_operators import Consumer, Operator, Producer, Referral, Row, Seq
from chassis.delivery.statements import ACTING
from chassis.problems import problems, request_id_of

ASKING = problems(401, 403, 404, 413, 415, 422, 503)
CONFIRMING = problems(401, 403, 404, 409, 422, 503)


class DiscardIn(BaseModel):
    """Why something is to be thrown away. 作废原因。"""

    reason: str = Field(
        pattern="^[a-z][a-z0-9_]{0,63}$",
        description="原因代码,随审计永久留存。Code of the reason, kept for good in the audit.",
        examples=["written_by_a_test"],
    )


class DiscardOut(BaseModel):
    """How far it is. 作废进度。"""

    state: str = Field(
        description="asked 待另一人确认,discarded 已作废。asked: another person has to confirm; discarded: it is gone.",
        examples=["asked"],
    )
    reason: str = Field(description="原因代码。Code of the reason.", examples=["written_by_a_test"])
    asked_by: str = Field(description="申请人。Who asked.", examples=["ops-0001"])
    asked_at: datetime = Field(description="申请时间。When.", examples=["2026-01-01T01:30:02.500Z"])
    confirmed_by: str | None = Field(
        default=None, description="确认人,尚未确认则为空。Who confirmed; null: nobody yet.", examples=["ops-0002"]
    )

    @classmethod
    def of(cls, asked: Asked) -> DiscardOut:
        return cls(
            state="discarded" if asked.confirmed_by else "asked", reason=asked.reason, asked_by=asked.asked_by,
            asked_at=asked.asked_at, confirmed_by=asked.confirmed_by,
        )  # fmt: skip


def discard_routes(router: APIRouter, database: Database, schema: str, wake: Callable[[], None]) -> None:
    acts = _Acts(database, schema, wake)
    parked, unrepairable = "/parked/{producer}/{referral_id}/{seq}", "/unrepairable/{producer}/{referral_id}"

    @router.post(f"{parked}/discard", **_asking("discardParked"))
    async def discard_parked(
        producer: Producer, referral_id: Referral, seq: Seq, why: DiscardIn, by: Operator, request: Request,
        consumer: Consumer = ACTING,
    ) -> DiscardOut:  # fmt: skip
        """申请作废;另一人确认后位置越过该事件。Once confirmed, its place counts as passed and what waited goes on."""
        return await acts.ask(ParkedEvent(schema, consumer, producer, referral_id, seq), why, by, request)

    @router.post(f"{parked}/discard/confirm", **_confirming("confirmDiscardParked"))
    async def confirm_parked(
        producer: Producer, referral_id: Referral, seq: Seq, by: Operator, request: Request, consumer: Consumer = ACTING
    ) -> DiscardOut:
        """须由申请人以外的人确认。By another person than the one who asked."""
        return await acts.confirm(ParkedEvent(schema, consumer, producer, referral_id, seq), by, request)

    @router.post(f"{unrepairable}/discard", **_asking("discardUnrepairable"))
    async def discard_unrepairable(
        producer: Producer, referral_id: Referral, why: DiscardIn, by: Operator, request: Request,
        consumer: Consumer = ACTING,
    ) -> DiscardOut:  # fmt: skip
        """申请放弃缺失的事件,直至下一个已到达的事件。Gives up what is missing, up to the next event that is here."""
        return await acts.ask(UnrepairableStream(schema, consumer, producer, referral_id), why, by, request)

    @router.post(f"{unrepairable}/discard/confirm", **_confirming("confirmDiscardUnrepairable"))
    async def confirm_unrepairable(
        producer: Producer, referral_id: Referral, by: Operator, request: Request, consumer: Consumer = ACTING
    ) -> DiscardOut:
        """须由申请人以外的人确认。By another person than the one who asked."""
        return await acts.confirm(UnrepairableStream(schema, consumer, producer, referral_id), by, request)

    @router.post("/quarantine/{n}/discard", **_asking("discardQuarantined"))
    async def discard_quarantined(n: Row, why: DiscardIn, by: Operator, request: Request) -> DiscardOut:
        """申请销毁隔离的密封内容。The sealed bytes will be gone for good."""
        return await acts.ask(QuarantinedRecord(schema, n), why, by, request)

    @router.post("/quarantine/{n}/discard/confirm", **_confirming("confirmDiscardQuarantined"))
    async def confirm_quarantined(n: Row, by: Operator, request: Request) -> DiscardOut:
        """须由申请人以外的人确认。By another person than the one who asked."""
        return await acts.confirm(QuarantinedRecord(schema, n), by, request)

    @router.post("/unsendable/{n}/discard", **_asking("discardUnsendable"))
    async def discard_unsendable(n: Row, why: DiscardIn, by: Operator, request: Request) -> DiscardOut:
        """申请不再发送;事件仍在日志中。It is not sent; the event stays in the log."""
        return await acts.ask(UnsendableRecord(schema, n), why, by, request)

    @router.post("/unsendable/{n}/discard/confirm", **_confirming("confirmDiscardUnsendable"))
    async def confirm_unsendable(n: Row, by: Operator, request: Request) -> DiscardOut:
        """须由申请人以外的人确认。By another person than the one who asked."""
        return await acts.confirm(UnsendableRecord(schema, n), by, request)


class _Acts:
    def __init__(self, database: Database, schema: str, wake: Callable[[], None]) -> None:
        self._database, self._wake = database, wake
        self._discarding = Discarding(schema)

    async def ask(self, it: Discardable, why: DiscardIn, by: Caller, request: Request) -> DiscardOut:
        async with self._database.transaction() as connection:
            asked = await self._discarding.ask(connection, it, why.reason, Act(by, request_id_of(request.scope)))
        return DiscardOut.of(asked)

    async def confirm(self, it: Discardable, by: Caller, request: Request) -> DiscardOut:
        async with self._database.transaction() as connection:
            asked = await self._discarding.confirm(connection, it, Act(by, request_id_of(request.scope)))
        self._wake()
        return DiscardOut.of(asked)


def _asking(operation_id: str) -> dict[str, Any]:
    summary = "申请作废 Ask to discard"
    return {"operation_id": operation_id, "summary": summary, "status_code": 202, "responses": ASKING}


def _confirming(operation_id: str) -> dict[str, Any]:
    return {"operation_id": operation_id, "summary": "确认作废 Confirm discarding", "responses": CONFIRMING}
