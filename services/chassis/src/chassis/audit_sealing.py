"""Chains the audit rows, block by block: what is sealed cannot be changed without being found."""

from __future__ import annotations

import asyncpg
import structlog

from chassis.audit_chain import BEGINNING, Block, digest_of, named, rows_between
from chassis.database import Database

log = structlog.get_logger(__name__)

_ROWS_A_BLOCK = 2_000


async def seal(database: Database, schema: str) -> Block | None:
    """The next block, committed; None when there is nothing to seal yet, or somebody else is at it.

    Only transactions that can bring no more rows are sealed: those below every transaction that still runs. A row
    of a slow one therefore goes into a later block, and with it all that came after.
    """
    async with database.transaction() as connection:
        block = await _seal(connection, schema)
    if block is not None:
        log.info("audit_sealed", n=block.n, rows=block.rows, digest=block.digest.hex())
    return block


async def _seal(connection: asyncpg.Connection, schema: str) -> Block | None:
    lock = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
    if not await connection.fetchval(lock, f"{schema}.audit_block"):
        return None
    n, from_txid, previous = await _last(connection, schema)
    to_txid = await connection.fetchval(
        f"""SELECT max(txid)::text::bigint FROM (
                SELECT txid FROM {schema}.audit
                WHERE txid > $1::text::xid8 AND txid < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY txid LIMIT {_ROWS_A_BLOCK}) t""",
        str(from_txid),
    )
    if to_txid is None:
        return None
    rows = await rows_between(connection, schema, from_txid, to_txid)
    digest = digest_of(previous, n + 1, from_txid, to_txid, rows)
    block = Block(n + 1, from_txid, to_txid, len(rows), digest, previous)
    await connection.execute(
        f"""INSERT INTO {named(schema, "audit_block")} (n, from_txid, to_txid, rows, digest, previous_digest)
            VALUES ($1, $2::text::xid8, $3::text::xid8, $4, $5, $6)""",
        block.n, str(from_txid), str(to_txid), block.rows, digest, previous,
    )  # fmt: skip
    return block


async def _last(connection: asyncpg.Connection, schema: str) -> tuple[int, int, bytes]:
    row = await connection.fetchrow(
        f"SELECT n, to_txid::text::bigint, digest FROM {schema}.audit_block ORDER BY n DESC LIMIT 1"
    )
    return (row[0], row[1], row[2]) if row else (0, 0, BEGINNING)


async def seconds_unsealed(database: Database, schema: str) -> float:
    """How long the oldest row has waited. A transaction that never ends holds the sealer back; so does a database
    restored where transaction ids begin anew: then rows come in below what is sealed, and the verifier finds them.
    """
    async with database.connection() as connection:
        _, sealed_to, _ = await _last(connection, schema)
        waited = await connection.fetchval(
            f"""SELECT extract(epoch FROM clock_timestamp() - at) FROM {schema}.audit
                WHERE txid > $1::text::xid8 ORDER BY txid LIMIT 1""",
            str(sealed_to),
        )
    return float(waited or 0)
