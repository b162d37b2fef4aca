"""The audit on a real database: nobody who serves can change it, sealing misses no row, planted changes are found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import asyncpg
import httpx
import pytest
from chassis import audit
from chassis.audit_chain import BadBlock, Block, verify
from chassis.audit_sealing import seal, seconds_unsealed
from chassis.auth import Caller
from chassis.database import Database
from chassis.delivery.audit_loop import seal_loop
from chassis.ids import new_id
from support.desk import SCHEMA, Desk
from support.stack import eventually

LI = Caller("li", frozenset({"auditor", "clerk"}), "31/310109")


@pytest.fixture
async def database(desk: Desk) -> AsyncIterator[Database]:
    made = Database(desk.app_url, process="desk-sealer", pool_size=8)
    yield made
    await made.close()


async def note(connection: asyncpg.Connection, action: str = "look") -> UUID:
    return await audit.note(
        connection, by=LI, action=action, subject=new_id(), request_id="r-1", detail={"status": 200, "codes": ["甲"]}
    )


async def noted(database: Database, rows: int = 1) -> None:
    """One transaction with so many rows."""
    async with database.transaction() as connection:
        for _ in range(rows):
            await note(connection)


async def noted_and_undone(database: Database) -> None:
    with suppress(LookupError):
        async with database.transaction() as connection:
            await note(connection)
            raise LookupError


async def next_block(database: Database) -> Block:
    """The server's own housekeeping may hold the sealer back for a moment."""
    found: list[Block] = []

    async def sealed() -> bool:
        block = await seal(database, SCHEMA)
        found.extend([block] if block else [])
        return bool(found)

    await eventually(sealed)
    return found[0]


async def sealed_blocks(database: Database, blocks: int, rows: int = 3) -> None:
    for _ in range(blocks):
        await noted(database, rows)
        await next_block(database)


async def first_bad(desk: Desk) -> BadBlock | None:
    """By the auditor's way: the serving role, its own search path."""
    connection = await asyncpg.connect(desk.app_url)
    try:
        return await verify(connection)
    finally:
        await connection.close()


async def rows_outside_their_one_block(desk: Desk) -> int:
    """Asked in SQL alone: how many sealed rows there are that do not lie in exactly one block."""
    (row,) = await desk.rows(
        """SELECT count(*) FROM desk.audit a
           WHERE (SELECT count(*) FROM desk.audit_block b WHERE a.txid > b.from_txid AND a.txid <= b.to_txid) <> 1"""
    )
    return int(row[0])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {t} SET {c} = {c}", "DELETE FROM {t}", "TRUNCATE {t}", "DROP TABLE {t}",
        "ALTER TABLE {t} DISABLE TRIGGER ALL", "SELECT 1 FROM {t} FOR UPDATE",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("table", "column"), [("audit", "action"), ("audit_block", "digest")])
async def test_the_serving_role_can_only_add_to_what_was_written(
    desk: Desk, database: Database, statement: str, table: str, column: str
) -> None:
    await sealed_blocks(database, 1)
    app = await asyncpg.connect(desk.app_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement.format(t=f"desk.{table}", c=column))
    await app.close()
    assert await first_bad(desk) is None


async def test_a_row_says_who_did_what_and_goes_with_its_transaction(desk: Desk, database: Database) -> None:
    await noted_and_undone(database)
    assert await desk.count("audit") == 0
    await noted(database)
    (row,) = await desk.rows('SELECT "by", roles, action, request_id, detail::text, at FROM desk.audit')
    assert tuple(row)[:4] == ("li", ["auditor", "clerk"], "look", "r-1")
    assert row["detail"] == '{"codes": ["甲"], "status": 200}'


async def test_blocks_chain_all_rows_and_nothing_is_sealed_twice(desk: Desk, database: Database) -> None:
    assert await first_bad(desk) is None
    assert await seal(database, SCHEMA) is None
    await sealed_blocks(database, 4)
    assert await seal(database, SCHEMA) is None
    assert [row["rows"] for row in await desk.rows("SELECT rows FROM desk.audit_block ORDER BY n")] == [3] * 4
    assert await rows_outside_their_one_block(desk) == 0
    assert await first_bad(desk) is None


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE desk.audit SET action = 'nothing' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET \"by\" = 'wang' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET at = at + interval '1 microsecond' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET roles = '{}' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET subject = NULL WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET detail = detail || '{\"status\": 409}' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET request_id = 'r-2' WHERE id = $1", BadBlock(3, "digest")),
        ("UPDATE desk.audit SET id = gen_random_uuid() WHERE id = $1", BadBlock(3, "digest")),
        ("DELETE FROM desk.audit WHERE id = $1", BadBlock(3, "rows")),
        ("UPDATE desk.audit SET txid = pg_current_xact_id() WHERE id = $1", BadBlock(3, "rows")),
        ("UPDATE desk.audit SET txid = (SELECT max(txid) FROM desk.audit) WHERE id = $1", BadBlock(3, "rows")),
        (
            """INSERT INTO desk.audit
               SELECT gen_random_uuid(), at, "by", roles, action, subject, request_id, detail, txid
               FROM desk.audit WHERE id = $1""",
            BadBlock(3, "rows"),
        ),
    ],
)
async def test_a_planted_change_deletion_or_insertion_is_found_in_its_block(
    desk: Desk, database: Database, change: str, found: BadBlock
) -> None:
    await sealed_blocks(database, 5)
    (victim,) = await desk.rows("SELECT id FROM desk.audit ORDER BY txid, id OFFSET 7 LIMIT 1")
    await desk.admin.execute(change, victim["id"])
    assert await first_bad(desk) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("DELETE FROM desk.audit_block WHERE n = 3", BadBlock(3, "chain")),
        ("DELETE FROM desk.audit_block WHERE n = 1", BadBlock(1, "chain")),
        ("UPDATE desk.audit_block SET digest = sha256('x') WHERE n = 3", BadBlock(3, "digest")),
        ("UPDATE desk.audit_block SET previous_digest = sha256('x') WHERE n = 3", BadBlock(3, "chain")),
        ("UPDATE desk.audit_block SET rows = 2 WHERE n = 3", BadBlock(3, "rows")),
        ("UPDATE desk.audit_block SET to_txid = '9999999' WHERE n = 3", BadBlock(3, "rows")),
        ("UPDATE desk.audit_block SET from_txid = '0' WHERE n = 3", BadBlock(3, "chain")),
    ],
)
async def test_a_planted_change_of_the_chain_itself_is_found(
    desk: Desk, database: Database, change: str, found: BadBlock
) -> None:
    await sealed_blocks(database, 5)
    await desk.admin.execute(change)
    assert await first_bad(desk) == found


@pytest.mark.parametrize(
    ("column", "value"), [("txid", "(SELECT max(to_txid) FROM desk.audit_block)"), ("at", "now()")]
)
async def test_the_serving_role_cannot_say_when_or_in_which_transaction(
    desk: Desk, database: Database, column: str, value: str
) -> None:
    """A row that it slips into a closed block would be found; better that it cannot."""
    await sealed_blocks(database, 1)
    app = await asyncpg.connect(desk.app_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(
            f"""INSERT INTO desk.audit (id, "by", roles, action, request_id, detail, {column})
                SELECT gen_random_uuid(), 'li', '{{}}', 'x', 'r', '{{}}', {value}"""
        )
    await app.close()


async def test_a_slow_transaction_holds_back_what_came_after_it_and_nothing_is_missed(
    desk: Desk, database: Database
) -> None:
    await noted(database)
    async with database.transaction() as slow:
        await note(slow)
        await noted(database)
        assert (await next_block(database)).rows == 1
        assert await seal(database, SCHEMA) is None
    assert (await next_block(database)).rows == 2
    assert await rows_outside_their_one_block(desk) == 0
    assert await first_bad(desk) is None


async def test_sealing_under_concurrent_commits_misses_no_row(desk: Desk, database: Database) -> None:
    """Eight writers whose transactions overlap, some undone, two sealers all the while."""

    async def write(writer: int) -> None:
        connection = await asyncpg.connect(desk.app_url)
        for number in range(30):
            transaction = connection.transaction()
            await transaction.start()
            await note(connection, f"w{writer}")
            await asyncio.sleep(0.001 * ((writer + number) % 5))
            await note(connection, f"w{writer}")
            await (transaction.rollback() if number % 5 == 4 else transaction.commit())
        await connection.close()

    @asynccontextmanager
    async def sealing() -> AsyncIterator[None]:
        tasks = [asyncio.create_task(seal_loop(database, SCHEMA, every=0.003)) for _ in range(2)]
        try:
            yield
            assert not any(task.done() for task in tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async with sealing():
        await asyncio.gather(*(write(writer) for writer in range(8)))

        async def all_is_sealed() -> bool:
            (row,) = await desk.rows("SELECT sum(rows) FROM desk.audit_block")
            return int(row[0] or 0) == 8 * 24 * 2

        await eventually(all_is_sealed)
    assert await desk.count("audit") == 8 * 24 * 2
    assert await desk.count("audit_block") > 3
    assert await rows_outside_their_one_block(desk) == 0
    assert await first_bad(desk) is None


async def test_rows_that_wait_too_long_can_be_seen(desk: Desk, database: Database) -> None:
    assert await seconds_unsealed(database, SCHEMA) == 0
    await noted(database)
    await desk.admin.execute("UPDATE desk.audit SET at = at - interval '2 minutes'")
    assert 119 < await seconds_unsealed(database, SCHEMA) < 150
    await next_block(database)
    assert await seconds_unsealed(database, SCHEMA) == 0


async def asked(desk: Desk, query: str, role: str = "auditor") -> httpx.Response:
    return await desk.get(f"/v1/ops/audit{query}", role)


async def test_an_auditor_reads_the_rows_page_by_page_newest_first(desk: Desk, database: Database) -> None:
    await noted(database, 7)
    pages, after = [], ""
    while True:
        page = (await asked(desk, f"?limit=3{after}")).json()
        pages.append([item["id"] for item in page["items"]])
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert [len(page) for page in pages] == [3, 3, 1]
    rows = await desk.rows("SELECT id FROM desk.audit ORDER BY at DESC, id DESC")
    assert [one for page in pages for one in page] == [str(row["id"]) for row in rows]


async def test_an_auditor_filters_and_nobody_else_reads(desk: Desk) -> None:
    thing = await desk.opened(1)
    await desk.ping(thing, 5)
    found = (await asked(desk, f"?subject={thing}&action=ping_thing&by=clerk-1")).json()["items"]
    assert [(row["action"], row["roles"], row["detail"]["status"]) for row in found] == [("ping_thing", ["clerk"], 200)]
    assert (await asked(desk, "?by=nobody")).json() == {"items": [], "next": None}
    later = "2099-01-01T00:00:00%2B08:00"
    assert (await asked(desk, f"?since={later}")).json()["items"] == []
    assert len((await asked(desk, f"?until={later}")).json()["items"]) == 2
    assert (await asked(desk, "?since=yesterday")).status_code == 422
    assert (await asked(desk, "?after=nonsense")).json()["code"] == "bad_cursor"
    assert (await asked(desk, "", "ops")).status_code == 403


async def test_an_auditor_has_the_chain_verified_and_that_leaves_its_row(desk: Desk, database: Database) -> None:
    await sealed_blocks(database, 4)
    path = "/v1/ops/audit/verify"
    good = (await desk.client.post(path, headers=desk.bearer("auditor"))).json()
    assert (good["blocks"], good["rows"], good["bad"]) == (4, 12, None)
    (newest,) = await desk.rows("SELECT digest FROM desk.audit_block WHERE n = 4")
    assert good["last_digest"] == newest["digest"].hex()
    await desk.admin.execute("DELETE FROM desk.audit WHERE txid = (SELECT to_txid FROM desk.audit_block WHERE n = 2)")
    bad = (await desk.client.post(path, headers=desk.bearer("auditor"))).json()
    assert (bad["blocks"], bad["bad"]) == (1, {"n": 2, "reason": "rows"})
    assert len((await asked(desk, "?action=verify_audit")).json()["items"]) == 2
    assert (await desk.client.post(path, headers=desk.bearer("ops"))).status_code == 403
