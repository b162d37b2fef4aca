"""Referrals: rows to domain and back, one statement a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from triage_svc.domain.referral import Closing, Counters, Party, Referral, ReferralId, Return, Told, Verdict
from triage_svc.domain.states import State
from triage_svc.store.tables import SCHEMA

_LOAD = f"SELECT * FROM {SCHEMA}.referral WHERE referral_id = ANY ($1)"

# column → its type in a parameter, and what stands in it
_COLUMNS: Mapping[str, tuple[str, Callable[[Referral], Any]]] = {
    "referral_id": ("uuid", lambda one: one.referral_id),
    "state": ("text", lambda one: one.state),
    "category": ("text", lambda one: one.verdict.category),
    "grade": ("text", lambda one: one.verdict.grade),
    "needs_review": ("bool", lambda one: one.verdict.needs_review),
    "office_code": ("text", lambda one: one.office_code),
    "hop": ("int", lambda one: one.hop),
    "responsible_code": ("text", lambda one: one.responsible_code),
    "review_reason": ("text", lambda one: one.review_reason),
    "came_from": ("text", lambda one: one.came_from),
    "opened_at": ("timestamptz", lambda one: one.opened_at),
    "dispatched_at": ("timestamptz", lambda one: one.dispatched_at),
    "calls": ("int", lambda one: one.counters.calls),
    "duplicates": ("int", lambda one: one.counters.duplicates),
    "repeats": ("int", lambda one: one.counters.repeats),
    "scope_path": ("text", lambda one: one.scope_path),
    "version": ("int", lambda one: one.version),
    "signed_at": ("timestamptz", lambda one: one.signed_at),
    "contacted_at": ("timestamptz", lambda one: one.contacted_at),
    "committee_code": ("text", lambda one: one.committee_code),
    "parties": ("text", lambda one: _parties_text(one.parties)),
    "returns": ("int", lambda one: one.returned.count),
    "return_reason": ("text", lambda one: one.returned.reason),
    "return_addressee": ("text", lambda one: one.returned.addressee),
    "overdue": ("text", lambda one: ",".join(sorted(one.overdue))),
    "withdrawn_at": ("timestamptz", lambda one: one.told.withdrawn_at),
    "corrections": ("int", lambda one: one.told.corrections),
    "police_decision": ("text", lambda one: one.told.police_decision),
    "escalation_level": ("int", lambda one: one.told.escalation_level),
    "supervised_at": ("timestamptz", lambda one: one.told.supervised_at),
    "visited_at": ("timestamptz", lambda one: one.told.visited_at),
    "breached_at": ("timestamptz", lambda one: one.told.breached_at),
    "cycle": ("int", lambda one: one.closing.cycle),
    "closed_at": ("timestamptz", lambda one: one.closing.closed_at),
    "outcome": ("text", lambda one: one.closing.outcome),
}
# what an unnest of texts must become in its column
_READ = {"parties": "parties::jsonb", "overdue": "string_to_array(overdue, ',')"}
_FIXED = frozenset({"referral_id", "opened_at"})
_GET = tuple(value for _, value in _COLUMNS.values())

_SAVE = f"""
    INSERT INTO {SCHEMA}.referral ({", ".join(_COLUMNS)})
    SELECT {", ".join(_READ.get(name, name) for name in _COLUMNS)}
    FROM unnest({", ".join(f"${place}::{kind}[]" for place, (kind, _) in enumerate(_COLUMNS.values(), start=1))})
        AS new({", ".join(_COLUMNS)}) ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        {", ".join(f"{name} = EXCLUDED.{name}" for name in _COLUMNS if name not in _FIXED)}
"""


async def load_referrals(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Referral]:
    return [referral_of(row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_referrals(connection: asyncpg.Connection, referrals: Sequence[Referral]) -> None:
    """Sorted by id like every multi-row statement; the streams of these referrals are locked."""
    if referrals:
        await connection.execute(_SAVE, *([value(one) for one in referrals] for value in _GET))


def referral_of(row: asyncpg.Record) -> Referral:
    return Referral(
        referral_id=ReferralId(row["referral_id"]),
        state=State(row["state"]),
        verdict=Verdict(row["category"], row["grade"], row["needs_review"]),
        responsible_code=row["responsible_code"],
        opened_at=row["opened_at"],
        counters=Counters(row["calls"], row["duplicates"], row["repeats"]),
        office_code=row["office_code"],
        hop=row["hop"],
        dispatched_at=row["dispatched_at"],
        review_reason=row["review_reason"],
        came_from=State(row["came_from"]) if row["came_from"] else None,
        scope_path=row["scope_path"],
        version=row["version"],
        signed_at=row["signed_at"],
        contacted_at=row["contacted_at"],
        committee_code=row["committee_code"],
        parties=tuple(map(_party, row["parties"])),
        returned=Return(row["returns"], row["return_reason"], row["return_addressee"]),
        overdue=frozenset(row["overdue"]),
        told=Told(
            row["withdrawn_at"],
            row["corrections"],
            row["police_decision"],
            row["escalation_level"],
            row["supervised_at"],
            row["visited_at"],
            row["breached_at"],
        ),
        closing=Closing(row["cycle"], row["closed_at"], row["outcome"]),
    )


def _party(told: Mapping[str, Any]) -> Party:
    name_text = told["name_text"]
    return Party(UUID(told["party_id"]), told["role"], UUID(name_text) if name_text else None)


def _parties_text(parties: Sequence[Party]) -> str:
    if not parties:
        return "[]"
    return orjson.dumps(
        [{"party_id": one.party_id, "role": one.role, "name_text": one.name_text} for one in parties],
        default=str,
    ).decode()
