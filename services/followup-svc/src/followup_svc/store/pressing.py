"""Reminders and supervision orders: rows to domain values and back."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from followup_svc.domain.reminder import Reminder
from followup_svc.domain.supervision import SupervisionOrder
from followup_svc.store.upserting import Upsert

REMINDER_COLUMNS = "referral_id, producer, clock, key, due_at, breached_at, breach_id, is_met, level"
ORDER_COLUMNS = "order_id, referral_id, addressee, reason, ordered_by, ordered_at, due_at, answered_at"
_LOAD_REMINDERS = f"SELECT {REMINDER_COLUMNS} FROM followup.reminder WHERE referral_id = ANY ($1) ORDER BY breached_at"
_LOAD_ORDERS = f"SELECT {ORDER_COLUMNS} FROM followup.supervision WHERE referral_id = ANY ($1) ORDER BY ordered_at"
_REMINDERS = Upsert(
    "reminder",
    {
        "referral_id": "uuid", "producer": "text", "clock": "text", "key": "text", "due_at": "timestamptz",
        "breached_at": "timestamptz", "breach_id": "uuid", "is_met": "bool", "level": "int2",
    },
    key=4,
)  # fmt: skip
_ORDERS = Upsert(
    "supervision",
    {
        "order_id": "uuid", "referral_id": "uuid", "addressee": "text", "reason": "text", "ordered_by": "text",
        "ordered_at": "timestamptz", "due_at": "timestamptz", "answered_at": "timestamptz",
    },
    key=1,
)  # fmt: skip


async def load_reminders(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Reminder]:
    return [Reminder(*row) for row in await connection.fetch(_LOAD_REMINDERS, referral_ids)]


async def save_reminders(connection: asyncpg.Connection, reminders: Collection[Reminder]) -> None:
    rows = [
        (r.referral_id, r.producer, r.clock, r.key, r.due_at, r.breached_at, r.breach_id, r.is_met, r.level)
        for r in reminders
    ]
    await _REMINDERS.write(connection, rows)


async def load_orders(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[SupervisionOrder]:
    return [SupervisionOrder(*row) for row in await connection.fetch(_LOAD_ORDERS, referral_ids)]


async def save_orders(connection: asyncpg.Connection, orders: Collection[SupervisionOrder]) -> None:
    rows = [
        (o.order_id, o.referral_id, o.addressee, o.reason, o.ordered_by, o.ordered_at, o.due_at, o.answered_at)
        for o in orders
    ]
    await _ORDERS.write(connection, rows)
