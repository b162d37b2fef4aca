"""How audit rows hang together: blocks over ranges of transaction ids, each block over its rows and the one before."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC

import asyncpg
import orjson

BEGINNING = bytes(32)
_BLOCKS_AT_ONCE = 500
_ROWS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Block:
    """Rows whose transaction id is above `from_txid` and not above `to_txid`."""

    n: int
    from_txid: int
    to_txid: int
    rows: int
    digest: bytes
    previous_digest: bytes


@dataclass(frozen=True, slots=True)
class BadBlock:
    """The first block that does not say what it said when it was sealed. `reason`: chain, rows or digest."""

    n: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    blocks: int
    rows: int
    last: Block | None
    bad: BadBlock | None


async def verify(connection: asyncpg.Connection, *, schema: str | None = None) -> BadBlock | None:
    """The first bad block, None when all are as they were sealed. Changes nothing, locks nothing.

    What it cannot see: that the newest blocks are gone, rows and all. The sealer logs each block's digest for that.
    """
    return (await verify_all(connection, schema=schema)).bad


async def verify_all(connection: asyncpg.Connection, *, schema: str | None = None) -> Verification:
    last: Block | None = None
    blocks = rows = 0
    async for chunk, found in _chunks(connection, schema):
        for block in chunk:
            own = [row for row in found if block.from_txid < row["txid"] <= block.to_txid]
            bad = _fault(block, last, own)
            if bad is not None:
                return Verification(blocks, rows, last, bad)
            last, blocks, rows = block, blocks + 1, rows + block.rows
    return Verification(blocks, rows, last, None)


def digest_of(previous_digest: bytes, n: int, from_txid: int, to_txid: int, rows: Iterable[asyncpg.Record]) -> bytes:
    """SHA-256 over the block before, this block's borders and its rows in order of transaction and id."""
    digest = hashlib.sha256(previous_digest)
    digest.update(orjson.dumps([n, from_txid, to_txid]))
    for row in rows:
        digest.update(b"\n" + _canonical(row))
    return digest.digest()


async def rows_between(
    connection: asyncpg.Connection, schema: str | None, from_txid: int, to_txid: int
) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        f"""SELECT id, at, "by", roles, action, subject, request_id, detail::text AS detail, txid::text::bigint AS txid
            FROM {named(schema, "audit")} a WHERE a.txid > $1::text::xid8 AND a.txid <= $2::text::xid8
            ORDER BY a.txid, a.id""",
        str(from_txid),
        str(to_txid),
    )
    return rows


async def blocks_after(connection: asyncpg.Connection, schema: str | None, n: int, limit: int) -> list[Block]:
    rows = await connection.fetch(
        f"""SELECT n, from_txid::text::bigint, to_txid::text::bigint, rows, digest, previous_digest
            FROM {named(schema, "audit_block")} WHERE n > $1 ORDER BY n LIMIT $2""",
        n,
        limit,
    )
    return [Block(*row) for row in rows]


def named(schema: str | None, table: str) -> str:
    return f"{schema}.{table}" if schema else table


async def _chunks(
    connection: asyncpg.Connection, schema: str | None
) -> AsyncIterator[tuple[Sequence[Block], Sequence[asyncpg.Record]]]:
    """Blocks in order, a few at a time, with all rows there are between their borders."""
    n = -1
    while blocks := await blocks_after(connection, schema, n, _BLOCKS_AT_ONCE):
        while blocks:
            size = _size_of_chunk(blocks)
            chunk, blocks = blocks[:size], blocks[size:]
            yield chunk, await rows_between(connection, schema, chunk[0].from_txid, chunk[-1].to_txid)
            n = chunk[-1].n


def _size_of_chunk(blocks: Sequence[Block]) -> int:
    total = 0
    for size, block in enumerate(blocks, start=1):
        total += block.rows
        if total >= _ROWS_AT_ONCE:
            return size
    return len(blocks)


def _fault(block: Block, last: Block | None, rows: Sequence[asyncpg.Record]) -> BadBlock | None:
    n, from_txid, previous = (last.n + 1, last.to_txid, last.digest) if last else (1, 0, BEGINNING)
    if (block.n, block.from_txid, block.previous_digest) != (n, from_txid, previous):
        return BadBlock(n, "chain")
    if block.rows != len(rows):
        return BadBlock(n, "rows")
    if block.digest != digest_of(block.previous_digest, block.n, block.from_txid, block.to_txid, rows):
        return BadBlock(n, "digest")
    return None


def _canonical(row: asyncpg.Record) -> bytes:
    """jsonb's own text has one form for one value; the instant is written out in UTC."""
    return orjson.dumps(
        [
            row["txid"], str(row["id"]), row["at"].astimezone(UTC).isoformat(), row["by"], row["roles"], row["action"],
            str(row["subject"]), row["request_id"], row["detail"],
        ]
    )  # fmt: skip
