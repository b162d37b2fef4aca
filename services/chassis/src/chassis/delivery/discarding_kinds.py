"""The four things that operators may throw away, and what each of them leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from chassis.delivery.discarding import Found
from chassis.delivery.gate import Position
from chassis.delivery.lacks import UNREPAIRABLE
from chassis.delivery.parking import hasten_waiting, lock_streams
from chassis.delivery.statements import Statements
from chassis.problems import Problem


@dataclass(frozen=True)
class ParkedEvent:
    """Its place in the stream is passed, as if it had been applied; what waited for it is free."""

    schema: str
    consumer: str
    producer: str
    referral_id: UUID
    seq: int
    kind: str = "parked"

    @property
    def place(self) -> str:
        return f"{self.consumer}/{self.producer}/{self.referral_id}/{self.seq}"

    async def find(self, connection: asyncpg.Connection) -> Found | None:
        await lock_streams(connection, self.schema, self.consumer, self.referral_id)
        row = await connection.fetchrow(
            f"""SELECT k.event_id, k.type, k.reason, coalesce(p.last, 0) AS last FROM {self.schema}.parked k
                LEFT JOIN {self.schema}.stream_pos p USING (referral_id, consumer, producer)
                WHERE k.referral_id = $1 AND k.consumer = $2 AND k.producer = $3 AND k.seq = $4""",
            self.referral_id,
            self.consumer,
            self.producer,
            self.seq,
        )
        if row is None:
            return None
        detail = {"event_id": row["event_id"], "type": row["type"], "why_parked": row["reason"]}
        return Found(str(row["event_id"]), self.referral_id, self.producer, detail, row)

    async def discard(self, connection: asyncpg.Connection, found: Found) -> None:
        if self.seq > found.row["last"] + 1:
            raise Problem(
                409,
                "not_its_turn",
                "该事件之前还有未处理的事件,请先处理前面的事件。",
                "Events before this one are not settled; settle those first.",
                position=found.row["last"],
            )
        await connection.execute(
            f"DELETE FROM {self.schema}.parked WHERE referral_id = $1 AND consumer = $2 AND producer = $3 AND seq = $4",
            self.referral_id,
            self.consumer,
            self.producer,
            self.seq,
        )
        if self.seq == found.row["last"] + 1:
            await _move(connection, self, Position(self.seq, found.row["event_id"]))
        await hasten_waiting(connection, self.schema, self.consumer, self.referral_id)


@dataclass(frozen=True)
class UnrepairableStream:
    """The numbers that no producer can give any more are passed, up to the next event that is here.

    Where several holes lie below `upto`, each is discarded in its turn: between them stand events to be applied.
    """

    schema: str
    consumer: str
    producer: str
    referral_id: UUID
    kind: str = "unrepairable"

    @property
    def place(self) -> str:
        return f"{self.consumer}/{self.producer}/{self.referral_id}"

    async def find(self, connection: asyncpg.Connection) -> Found | None:
        await lock_streams(connection, self.schema, self.consumer, self.referral_id)
        row = await connection.fetchrow(
            f"""SELECT l.upto, coalesce(p.last, 0) AS last, least(l.upto, (
                    SELECT min(seq) - 1 FROM {self.schema}.parked k
                    WHERE k.referral_id = l.referral_id AND k.consumer = l.consumer AND k.producer = l.producer
                      AND k.seq > coalesce(p.last, 0))) AS missing_to
                FROM {self.schema}.lacking l
                LEFT JOIN {self.schema}.stream_pos p USING (referral_id, consumer, producer)
                WHERE l.referral_id = $1 AND l.consumer = $2 AND l.producer = $3 AND l.state = $4
                FOR UPDATE OF l""",
            self.referral_id,
            self.consumer,
            self.producer,
            UNREPAIRABLE,
        )
        if row is None:
            return None
        first, last = row["last"] + 1, row["missing_to"]
        detail = {"first": first, "last": last, "upto": row["upto"]}
        return Found(f"{first}-{last}", self.referral_id, self.producer, detail, row)

    async def discard(self, connection: asyncpg.Connection, found: Found) -> None:
        last, missing_to = found.row["last"], found.row["missing_to"]
        if missing_to > last:
            await _move(connection, self, Position(missing_to, None))
        if missing_to >= found.row["upto"]:
            await connection.execute(
                f"DELETE FROM {self.schema}.lacking WHERE referral_id = $1 AND consumer = $2 AND producer = $3",
                self.referral_id,
                self.consumer,
                self.producer,
            )
        await hasten_waiting(connection, self.schema, self.consumer, self.referral_id)


@dataclass(frozen=True)
class QuarantinedRecord:
    """Its sealed bytes are gone for good; the gap that it made in a stream is repaired like any other."""

    schema: str
    n: int
    kind: str = "quarantined"

    @property
    def place(self) -> str:
        return str(self.n)

    async def find(self, connection: asyncpg.Connection) -> Found | None:
        row = await connection.fetchrow(
            f"""SELECT topic, partition, "offset", reason, encode(digest, 'hex') AS digest
                FROM {self.schema}.quarantine WHERE n = $1 FOR UPDATE""",
            self.n,
        )
        if row is None:
            return None
        detail = {name: row[name] for name in ("topic", "partition", "offset")} | {"why_quarantined": row["reason"]}
        return Found(row["digest"], detail=detail)

    async def discard(self, connection: asyncpg.Connection, found: Found) -> None:
        await connection.execute(f"DELETE FROM {self.schema}.quarantine WHERE n = $1", self.n)


@dataclass(frozen=True)
class UnsendableRecord:
    """It never goes out; the event itself stays in the log, and a consumer that lacks it will ask for it."""

    schema: str
    n: int
    kind: str = "unsendable"

    @property
    def place(self) -> str:
        return str(self.n)

    async def find(self, connection: asyncpg.Connection) -> Found | None:
        row = await connection.fetchrow(
            f"SELECT topic, event_id, reason FROM {self.schema}.unsendable WHERE n = $1 FOR UPDATE", self.n
        )
        if row is None:
            return None
        detail = {"topic": row["topic"], "event_id": row["event_id"], "why_unsendable": row["reason"]}
        return Found(str(row["event_id"]), detail=detail)

    async def discard(self, connection: asyncpg.Connection, found: Found) -> None:
        await connection.execute(f"DELETE FROM {self.schema}.unsendable WHERE n = $1", self.n)


async def _move(connection: asyncpg.Connection, stream: ParkedEvent | UnrepairableStream, position: Position) -> None:
    statements = Statements(stream.schema, "", consumer=stream.consumer)
    await statements.write_positions(connection, [(stream.referral_id, stream.producer, position)])
