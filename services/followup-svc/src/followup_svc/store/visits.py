"""Visits: rows to domain values and back."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from followup_svc.domain.visit import ReturnVisit, VisitId, VisitReport, VisitState, Waiver
from followup_svc.store.upserting import Upsert

VISIT_COLUMNS = "visit_id, referral_id, cycle, number, slot, state, due_at, channel, mandatory, tries, report, waiver"
_LOAD = f"SELECT {VISIT_COLUMNS} FROM followup.visit WHERE referral_id = ANY ($1) ORDER BY cycle, number"
_SAVE = Upsert(
    "visit",
    {
        "visit_id": "uuid", "referral_id": "uuid", "cycle": "int2", "number": "int2", "slot": "text", "state": "text",
        "due_at": "timestamptz", "channel": "text", "mandatory": "bool", "tries": "int2", "report": "json",
        "waiver": "json",
    },
    key=1,
)  # fmt: skip


async def load_visits(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[ReturnVisit]:
    return [visit_of(row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_visits(connection: asyncpg.Connection, visits: Collection[ReturnVisit]) -> None:
    await _SAVE.write(connection, [_row_of(one) for one in visits])


def visit_of(row: asyncpg.Record) -> ReturnVisit:
    return ReturnVisit(
        VisitId(row["visit_id"]), VisitState(row["state"]), row["referral_id"], row["cycle"], row["number"],
        row["slot"], row["due_at"], row["channel"], row["mandatory"], row["tries"], _report(row["report"]),
        _waiver(row["waiver"]),
    )  # fmt: skip


def _row_of(one: ReturnVisit) -> tuple[object, ...]:
    return (
        one.visit_id, one.referral_id, one.cycle, one.number, one.slot, one.state.value, one.due_at, one.channel,
        one.mandatory, one.tries, _json(one.report), _json(one.waiver),
    )  # fmt: skip


def _json(part: VisitReport | Waiver | None) -> str | None:
    return orjson.dumps(part, default=str).decode() if part is not None else None


def _report(found: dict[str, Any] | None) -> VisitReport | None:
    if found is None:
        return None
    return VisitReport(
        **{
            **found,
            "visited_at": datetime.fromisoformat(found["visited_at"]),
            "reached": tuple(map(UUID, found["reached"])),
            "performance": tuple((UUID(obligation), state) for obligation, state in found["performance"]),
            "note_id": _id(found["note_id"]),
        }
    )


def _waiver(found: dict[str, Any] | None) -> Waiver | None:
    return Waiver(found["reason"], found["by"], _id(found["note_id"])) if found is not None else None


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None
