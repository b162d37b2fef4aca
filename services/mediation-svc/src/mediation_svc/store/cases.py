"""Case rows to domain values and back: one statement for a whole batch, either way.

The aggregate is one JSON document, because a case is always read and written whole and its parts (consents, meetings,
signatures, obligations) are asked for by nobody alone. Columns beside it are what lists look for.
"""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import TypeAdapter

from mediation_svc.domain.case import MediationCase

_CASE: TypeAdapter[MediationCase] = TypeAdapter(MediationCase)
_LOAD = "SELECT detail::text AS detail FROM mediation.mediation_case WHERE referral_id = ANY ($1)"
_SAVE = """
    INSERT INTO mediation.mediation_case AS c
        (referral_id, state, committee_code, scope_path, cycle, file_no, is_overdue, version, opened_at, detail)
    SELECT r, s, c, p, y, f, o, v, t, d::jsonb
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::bool[], $8::int[],
                $9::timestamptz[], $10::text[]) AS new(r, s, c, p, y, f, o, v, t, d) ORDER BY r
    ON CONFLICT (referral_id) DO UPDATE SET
        state = EXCLUDED.state, committee_code = EXCLUDED.committee_code, scope_path = EXCLUDED.scope_path,
        cycle = EXCLUDED.cycle, file_no = EXCLUDED.file_no, is_overdue = EXCLUDED.is_overdue,
        version = EXCLUDED.version, detail = EXCLUDED.detail
"""


def case_from(detail: str) -> MediationCase:
    return _CASE.validate_json(detail)


async def load_cases(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[MediationCase]:
    return [case_from(row["detail"]) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_cases(connection: asyncpg.Connection, cases: Collection[MediationCase]) -> None:
    if cases:
        await connection.execute(_SAVE, *map(list, zip(*map(_row, cases), strict=True)))


def _row(case: MediationCase) -> tuple[Any, ...]:
    return (
        case.referral_id, case.state, case.committee.code, case.scope_path, case.cycle, case.file_no,
        case.is_overdue, case.version, case.opened_at, _CASE.dump_json(case).decode(),
    )  # fmt: skip
