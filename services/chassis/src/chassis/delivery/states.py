"""State transfer: what is sent is the state at the moment of sending, by a relay that then still holds the lane.

An old value can only come last when it was on its way while its relay was overtaken. So whoever takes a lane over waits
out the delivery limit and sends the keys of the last minutes again, and a relay that finds that its own sending has
taken too long asks for the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from chassis.delivery.lanes import LANE_LOCKS, Lanes, lock_class
from chassis.delivery.statements import lane_of
from chassis.delivery.wire import write_notice_headers
from chassis.ids import new_id

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 300.0


@dataclass(frozen=True)
class StateTransfer:
    """How the present states of a topic are read.

    `sql` gives `key` (text), `version`, `type`, `body` (json) and `as_of` of the keys in `$1`, which is a text[]: a key
    that is a uuid is found by `= ANY ($1::text[]::uuid[])`. A key that it does not give is gone, and is told as gone.
    """

    sql: str


@dataclass(frozen=True)
class State:
    """One key as the table has it now; body and headers are None for a key that is gone."""

    headers: list[tuple[str, bytes]] | None
    body: str | None


class States:
    """Reads states for one relay and knows which of its lanes may send them."""

    def __init__(
        self,
        transfers: Mapping[str, StateTransfer],
        schema: str,
        *,
        limit_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._transfers, self._schema, self._limit, self._clock = transfers, schema, limit_seconds, clock
        self._locks = lock_class(schema, LANE_LOCKS) % 2**32
        self._since: dict[int, float] = {}
        self._in_doubt: set[tuple[str, str]] = set()
        self._read = {topic: _reading(schema, transfer) for topic, transfer in transfers.items()}
        self._again = f"""
            INSERT INTO {schema}.outbox (lane, topic, key, resend)
            SELECT lane, topic, key, true FROM {schema}.state_sent
            WHERE lane = ANY ($1) AND sent_at > clock_timestamp() - make_interval(secs => $2) ORDER BY topic, key
        """

    def knows(self, topic: str) -> bool:
        return topic in self._transfers

    async def lanes_to_send(self, connection: asyncpg.Connection, lanes: Lanes) -> list[int]:
        """Of the lanes held those whose delivery limit has run out; on that occasion their keys go out again."""
        if not self._transfers:
            return sorted(lanes.held)  # what cannot be sent at all need not wait to be set aside
        if self._in_doubt:
            await put_states(connection, self._schema, self._in_doubt)
            self._in_doubt.clear()
        self._since = {lane: since for lane, since in self._since.items() if lanes.held_since.get(lane) == since}
        now = self._clock()
        ripe = [
            lane for lane, since in lanes.held_since.items() if lane not in self._since and now - since >= self._limit
        ]
        if ripe:
            await connection.execute(self._again, ripe, AGAIN_SECONDS + self._limit)
            self._since |= {lane: lanes.held_since[lane] for lane in ripe}
        return sorted(self._since)

    async def read(self, connection: asyncpg.Connection, topic: str, keys: Sequence[str]) -> dict[str, State]:
        """The present states, and with them the proof that this session holds their lanes: without it a key is absent.

        One statement: no lane can be lost between the proof and the reading.
        """
        wanted = sorted(set(keys))
        rows = await connection.fetch(self._read[topic], wanted, [lane_of(key) for key in wanted], self._locks, topic)
        return {row["key"]: self._state(row) for row in rows}

    def is_late(self, read_at: float) -> bool:
        """Whether a state read then may be an old one by now, another relay having sent a newer one meanwhile."""
        return self._clock() - read_at > self._limit

    def doubt(self, sent: Iterable[tuple[str, str]], lanes: Lanes) -> None:
        """What was sent late, or is not known to have been sent: its lane's owner, whoever that is, sends it anew."""
        found = set(sent)
        if found:
            log.warning("states_in_doubt", keys=len(found))
            self._in_doubt |= found
            lanes.hold_anew({lane_of(key) for _, key in found}, self._clock())

    def _state(self, row: asyncpg.Record) -> State:
        if row["version"] is None:
            return State(None, None)
        headers = write_notice_headers(
            notice_id=new_id(), event_type=row["type"], service=self._schema, subject=row["key"], at=row["as_of"],
            version=row["version"],
        )  # fmt: skip
        return State([(name, value.encode()) for name, value in headers.items()], row["body"])


async def put_states(connection: asyncpg.Connection, schema: str, keys: Iterable[tuple[str, str]]) -> None:
    """Each (topic, key) is sent again, after what is live."""
    chosen = sorted(keys)
    await connection.execute(
        f"""INSERT INTO {schema}.outbox (lane, topic, key, resend)
            SELECT l, t, k, true FROM unnest($1::int[], $2::text[], $3::text[]) AS u(l, t, k)""",
        [lane_of(key) for _, key in chosen],
        [topic for topic, _ in chosen],
        [key for _, key in chosen],
    )


def _reading(schema: str, transfer: StateTransfer) -> str:
    """What is read is noted as sent before it is: too much is sent again after a kill, never too little."""
    return f"""
        WITH held AS MATERIALIZED (
            SELECT objid::bigint::int AS lane FROM pg_locks
            WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND objsubid = 2
              AND classid = $3::bigint::oid
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ), wanted AS (
            SELECT w.key, w.lane FROM unnest($1::text[], $2::int[]) AS w(key, lane)
            WHERE w.lane IN (SELECT lane FROM held)
        ), noted AS (
            INSERT INTO {schema}.state_sent AS s (topic, key, lane, sent_at)
            SELECT $4, key, lane, clock_timestamp() FROM wanted ORDER BY key
            ON CONFLICT (topic, key) DO UPDATE SET sent_at = EXCLUDED.sent_at
        ), present AS ({transfer.sql})
        SELECT w.key, p.version, p.type, p.body::text AS body, p.as_of
        FROM wanted w LEFT JOIN present p ON p.key = w.key
    """
