"""Looks for closings that should not have been: by its own statements, from what was stated, not from what decided.

The gate is judged in the domain and again by the database; this one trusts neither. Facts that came after a closing
reopen by rule and are no violation: everything is looked at as of the closing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

PAGE = 500
_CLOSED = """
    SELECT w.referral_id, w.cycle, w.closed_at, n.grades, w.proposed_grade FROM followup.watch w
    LEFT JOIN followup.noted n USING (referral_id)
    WHERE w.state = 'closed' AND w.referral_id > $1 ORDER BY w.referral_id LIMIT $2
"""
_STATED = """
    WITH shown AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS t(referral_id, cycle, closed_at)),
    told AS (
        SELECT s.referral_id, s.cycle, s.closed_at, e.seq, e.body, e.recorded_at
        FROM shown s LEFT JOIN LATERAL (
            SELECT * FROM followup.event_log e WHERE e.referral_id = s.referral_id
              AND e.type = 'cn.liandong.followup.referral_closed.v1' AND (e.body->>'cycle')::int = s.cycle
            ORDER BY e.seq LIMIT 1) e ON true
    )
    SELECT referral_id, 'closing_not_stated' AS code FROM told WHERE seq IS NULL
    UNION
    SELECT t.referral_id, 'visit_open' FROM told t
    JOIN LATERAL (
        SELECT body FROM followup.event_log p WHERE p.referral_id = t.referral_id
          AND p.type = 'cn.liandong.followup.plan_changed.v1' AND (p.body->>'cycle')::int = t.cycle
          AND p.seq < coalesce(t.seq, 2147483647) ORDER BY p.seq DESC LIMIT 1) p ON true
    CROSS JOIN LATERAL json_array_elements(p.body->'visits') AS v
    WHERE (v->>'mandatory')::bool AND NOT EXISTS (
        SELECT 1 FROM followup.event_log d WHERE d.referral_id = t.referral_id
          AND d.seq < coalesce(t.seq, 2147483647) AND d.body->>'visit_id' = v->>'visit_id'
          AND d.type IN ('cn.liandong.followup.visit_recorded.v1', 'cn.liandong.followup.visit_waived.v1'))
    UNION
    SELECT s.referral_id, 'obligation_overdue' FROM shown s JOIN followup.obligation o USING (referral_id)
    WHERE o.state = 'breached' OR (o.state = 'open' AND o.due_at <= s.closed_at)
    UNION
    SELECT s.referral_id, 'halted' FROM shown s JOIN followup.halt h USING (referral_id)
    WHERE h.at <= s.closed_at AND (h.lifted_at IS NULL OR h.lifted_at > s.closed_at)
    UNION
    SELECT s.referral_id, 'milestone_untold' FROM shown s JOIN followup.milestone m USING (referral_id)
    WHERE m.milestone <> 'closed'
      AND NOT (m.state IN ('acknowledged', 'waived') OR (m.state = 'delivered' AND NOT m.awaits))
    UNION
    SELECT t.referral_id, 'heads_not_asked' FROM told t
    CROSS JOIN unnest(ARRAY['intake', 'triage', 'mediation']) AS one(producer)
    LEFT JOIN followup.gate_check g ON g.referral_id = t.referral_id AND g.producer = one.producer
    WHERE g.referral_id IS NULL OR g.asked_at > t.closed_at + interval '5 minutes'
       OR g.asked_at < t.closed_at - interval '6 minutes'
       OR g.head > coalesce((t.body->'positions'->>one.producer)::int, 0)
    ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Violation:
    referral_id: UUID
    cycle: int
    code: str


async def closing_violations(connection: asyncpg.Connection) -> list[Violation]:
    """Over every closed watch, page by page; the connection is not in a transaction and no row is locked."""
    found: list[Violation] = []
    after = UUID(int=0)
    while rows := await connection.fetch(_CLOSED, after, PAGE):
        after = rows[-1]["referral_id"]
        cycles = {row["referral_id"]: row["cycle"] for row in rows}
        stated = await connection.fetch(
            _STATED, list(cycles), list(cycles.values()), [row["closed_at"] or _NEVER for row in rows]
        )
        codes = {(row["referral_id"], row["code"]) for row in stated} | set(_too_grave(rows))
        found += [Violation(referral_id, cycles[referral_id], code) for referral_id, code in sorted(codes)]
    return found


_NEVER = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


def _too_grave(rows: Sequence[Any]) -> Iterator[tuple[UUID, str]]:
    """By the history of the grade: one that rose after the closing has its own way."""
    for row in rows:
        standing = [
            grade for at, grade in row["grades"] or [] if datetime.fromisoformat(at) <= (row["closed_at"] or _NEVER)
        ]
        if (standing and standing[-1] in ("red", "orange")) or row["proposed_grade"] in ("red", "orange"):
            yield row["referral_id"], "grade_too_high"
