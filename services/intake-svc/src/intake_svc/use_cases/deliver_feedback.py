"""Which tellings the broker has: their outbox rows are gone. Looked at by the worker, a few times a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from chassis.database_errors import retrying
from chassis.delivery import Units

from intake_svc.domain.call import CallId
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.tell_source import on_delivered, on_unsendable

MOST_AT_ONCE = 200
# The look-ups are pinned as in store.loading. A row that the broker refused for itself stands in `unsendable` instead.
_SETTLED = """
    SELECT f.referral_id, f.call_id, f.fact_id, u.refused
    FROM intake.feedback f
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT 1 FROM intake.unsendable WHERE unsendable.event_id = f.notice_id) AS refused OFFSET 0) u
    WHERE f.state IN ('pending', 'failed') AND NOT (f.state = 'failed' AND u.refused)
      AND NOT EXISTS (SELECT 1 FROM intake.outbox WHERE outbox.event_id = f.notice_id)
    ORDER BY f.fact_id LIMIT $1
"""

# What a source may have lost with the broker: all that it has not confirmed, and of one that never does what is recent.
UNCONFIRMED = """
    SELECT notice_id FROM intake.feedback
    WHERE state = 'delivered' AND (awaits_acknowledgement OR delivered_at > now() - interval '30 days')
"""


@dataclass(frozen=True, slots=True)
class _Sent:
    referral_id: UUID
    call_id: CallId
    fact_id: UUID
    refused: bool


class DeliverFeedback:
    def __init__(self, units: Units[IntakeWork]) -> None:
        self._units = units

    async def __call__(self, *, limit: int = MOST_AT_ONCE) -> int:
        """How many tellings have moved on; 0 when there is nothing to do."""
        return await retrying(lambda: self._take(limit))

    async def _take(self, limit: int) -> int:
        async with self._units.database.connection() as connection:
            sent = await list_sent(connection, limit=limit)
        if not sent:
            return 0
        async with self._units.begin(sorted({one.referral_id for one in sent})) as work:
            for one in sent:
                told, call = work.feedback.find((one.call_id, one.fact_id)), work.calls.find(one.call_id)
                if told is None or call is None:
                    continue
                if one.refused:
                    on_unsendable(call, told, work)
                else:
                    on_delivered(call, told, work)
        return len(sent)


async def list_sent(connection: asyncpg.Connection, *, limit: int) -> Sequence[_Sent]:
    """Without locks: whoever acts on one locks its stream and looks again."""
    return [_Sent(*row) for row in await connection.fetch(_SETTLED, limit)]
