"""Watches and notes: rows to domain values and back; one statement per table for a whole batch."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from followup_svc.domain.grade import GradeHistory
from followup_svc.domain.noted import Noted
from followup_svc.domain.partner import Told
from followup_svc.domain.watch import Anchor, AnchorKind, ReferralId, Watch, WatchState
from followup_svc.store.upserting import Upsert

NOTED_COLUMNS = """referral_id, opened_at, calls, category, grades, area_code, has_more,
    told_version, told_state, told_at, told_area, told_office, told_cycle, told_place, told_stated_at, told_closed_at"""
WATCH_COLUMNS = """referral_id, opened_at, state, cycle, hop, office_code, scope_path, version, anchor_kind,
    anchored_at, anchor_stated_at, anchor_outcome, agreement_no, void_until, proposed_grade, escalation, closed_at,
    outcome, plan_version"""
_LOAD_NOTED = f"SELECT {NOTED_COLUMNS} FROM followup.noted WHERE referral_id = ANY ($1)"
_LOAD_WATCHES = f"SELECT {WATCH_COLUMNS} FROM followup.watch WHERE referral_id = ANY ($1)"
_NOTED = Upsert(
    "noted",
    {
        "referral_id": "uuid", "opened_at": "timestamptz", "calls": "int", "category": "text", "grade": "text",
        "grades": "json", "area_code": "text", "has_more": "bool", "told_version": "int", "told_state": "text",
        "told_at": "timestamptz", "told_area": "text", "told_office": "text", "told_cycle": "int2",
        "told_place": "timestamptz", "told_stated_at": "timestamptz", "told_closed_at": "timestamptz",
    },
    key=1,
)  # fmt: skip
_WATCHES = Upsert(
    "watch",
    {
        "referral_id": "uuid", "opened_at": "timestamptz", "state": "text", "cycle": "int2", "hop": "int2",
        "office_code": "text", "scope_path": "text", "version": "int", "anchor_kind": "text",
        "anchored_at": "timestamptz", "anchor_stated_at": "timestamptz", "anchor_outcome": "text",
        "agreement_no": "text", "void_until": "timestamptz", "proposed_grade": "text", "escalation": "int2",
        "closed_at": "timestamptz", "outcome": "text", "plan_version": "text",
    },
    key=1,
)  # fmt: skip


async def load_noted(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Noted]:
    return [noted_of(row) for row in await connection.fetch(_LOAD_NOTED, referral_ids)]


async def save_noted(connection: asyncpg.Connection, noted: Collection[Noted]) -> None:
    await _NOTED.write(connection, [_row_of_noted(one) for one in noted])


async def load_watches(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Watch]:
    return [watch_of(row) for row in await connection.fetch(_LOAD_WATCHES, referral_ids)]


async def save_watches(connection: asyncpg.Connection, watches: Collection[Watch]) -> None:
    await _WATCHES.write(connection, [_row_of_watch(one) for one in watches])


def noted_of(row: asyncpg.Record) -> Noted:
    grades = GradeHistory(tuple((datetime.fromisoformat(at), grade) for at, grade in row["grades"]))
    told = Told(
        row["told_version"],
        row["told_state"],
        row["told_at"],
        row["told_area"],
        row["told_office"],
        row["told_cycle"],
        (row["told_place"], row["told_stated_at"]) if row["told_place"] else None,
        row["told_closed_at"],
    )
    return Noted(
        ReferralId(row["referral_id"]), row["opened_at"], row["calls"], row["category"], grades, row["area_code"],
        row["has_more"], told,
    )  # fmt: skip


def _row_of_noted(one: Noted) -> tuple[object, ...]:
    grades = orjson.dumps([[at.isoformat(), grade] for at, grade in one.grades.entries]).decode()
    told = one.told
    return (
        one.referral_id, one.opened_at, one.calls, one.category, one.grade, grades, one.area_code, one.has_more,
        told.version, told.state, told.at, told.area_code, told.office_code, told.cycle,
        *(told.place or (None, None)), told.closed_at,
    )  # fmt: skip


def watch_of(row: asyncpg.Record) -> Watch:
    anchor = None
    if row["anchor_kind"] is not None:
        anchor = Anchor(
            AnchorKind(row["anchor_kind"]), row["anchored_at"], row["anchor_stated_at"], row["anchor_outcome"],
            row["agreement_no"],
        )  # fmt: skip
    return Watch(
        ReferralId(row["referral_id"]), row["opened_at"], WatchState(row["state"]), row["cycle"], row["hop"],
        row["office_code"], row["scope_path"], row["version"], anchor, row["void_until"], row["proposed_grade"],
        row["escalation"], row["closed_at"], row["outcome"], row["plan_version"],
    )  # fmt: skip


def _row_of_watch(one: Watch) -> tuple[object, ...]:
    anchor = one.anchor
    anchored = (
        (anchor.kind.value, anchor.at, anchor.stated_at, anchor.outcome, anchor.agreement_no) if anchor else (None,) * 5
    )
    return (
        one.referral_id, one.opened_at, one.state.value, one.cycle, one.hop, one.office_code, one.scope_path,
        one.version, *anchored, one.void_until, one.proposed_grade, one.escalation, one.closed_at, one.outcome,
        one.plan_version,
    )  # fmt: skip
