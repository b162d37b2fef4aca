"""A database as the first version left it becomes today's, with its watches and with the gate."""

from pathlib import Path

import asyncpg
import pytest
from chassis.ids import new_id
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from followup_svc.store.closing_gate import REFUSED
from followup_svc.store.tables import metadata

OLD = {
    "noted": {"referral_id", "opened_at", "calls", "category", "grade"},
    "watch": {"referral_id", "state", "cycle", "opened_at", "hop", "office_code"},
}
NEW_TABLES = (
    "visit", "obligation", "milestone", "halt", "reminder", "supervision", "gate_check", "closing_request", "timeline",
    "timer", "text_note", "command_key", "audit", "audit_block", "notice", "state_sent",
)  # fmt: skip
OLD_ROWS = (
    "INSERT INTO followup.noted (referral_id, opened_at, calls, category, grade) "
    "VALUES ($1, '2026-01-01 08:00+00', 2, 'other', 'orange')",
    "INSERT INTO followup.watch (referral_id, state, cycle, opened_at, hop, office_code) "
    "VALUES ($1, 'watching', 1, now(), 1, '310109010-SFS')",
)


async def test_watches_of_the_first_version_get_their_area_their_grade_and_the_gate(
    database: str, tmp_path: Path
) -> None:
    for role in ("owner", "app"):
        (tmp_path / role).write_text(f"followup-{role}-test")
    settings = MigrateSettings(
        database_admin_url=database, owner_password_file=tmp_path / "owner", app_password_file=tmp_path / "app"
    )
    await migrate(settings, "followup", metadata)
    connection = await asyncpg.connect(database)
    try:
        before, referral = await shape(connection), new_id()
        await as_first_version(connection)
        for row in OLD_ROWS:
            await connection.execute(row, referral)
        await migrate(settings, "followup", metadata)
        assert await shape(connection) == before
        watch = await connection.fetchrow("SELECT scope_path, version FROM followup.watch")
        assert watch is not None
        assert tuple(watch) == ("31/310109/310109010", 1)
        assert await connection.fetchval("SELECT grades->0->>1 FROM followup.noted") == "orange"
        with pytest.raises(asyncpg.PostgresError) as refused:
            await connection.execute("UPDATE followup.watch SET state = 'closed'")
        assert refused.value.sqlstate == REFUSED
        await migrate(settings, "followup", metadata)
        owner = await connection.fetchval(
            "SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'judge_closing' AND prosecdef"
        )
        assert owner == "followup_owner"
    finally:
        await connection.close()


async def as_first_version(connection: asyncpg.Connection) -> None:
    for table in NEW_TABLES:
        await connection.execute(f"DROP TABLE IF EXISTS followup.{table} CASCADE")
    await connection.execute("DROP TRIGGER watch_closes ON followup.watch")
    await connection.execute("DROP TRIGGER watch_begins_closed ON followup.watch")
    await connection.execute("DROP FUNCTION followup.judge_closing, followup.closing_faults")
    for table, columns in OLD.items():
        for (column,) in await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'followup' AND table_name = $1",
            table,
        ):
            if column not in columns:
                await connection.execute(f"ALTER TABLE followup.{table} DROP COLUMN {column} CASCADE")
    await connection.execute("UPDATE followup.alembic_version SET version_num = '0001'")


async def shape(connection: asyncpg.Connection) -> set[tuple[str, str, str]]:
    rows = await connection.fetch(
        """SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'followup'
           UNION ALL SELECT tablename, indexname, 'index' FROM pg_indexes WHERE schemaname = 'followup'
           UNION ALL SELECT tgrelid::regclass::text, tgname, 'trigger' FROM pg_trigger WHERE NOT tgisinternal"""
    )
    return {tuple(row) for row in rows}
