"""A database as the first version left it becomes today's, with its mirrors."""

from pathlib import Path

import asyncpg
from chassis.ids import new_id
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from mediation_svc.store.tables import metadata

NEW_COLUMNS = ["has_people", "ended", "closed_at", "watch_cycle", "flags"]
NEW_TABLES = ("mediation_case", "halt", "file_number", "timer", "text_note", "command_key", "audit", "audit_block")
AN_OLD_ONE = """
    INSERT INTO mediation.mirror
        (referral_id, state, opened_at, calls, category, grade, hop, office_code, dispatched_at)
    VALUES ($1, 'dispatched', now(), 2, 'other', 'blue', 1, '310109010-SFS', now())
"""


async def test_mirrors_of_the_first_version_stay_and_everything_new_is_there(database: str, tmp_path: Path) -> None:
    for role in ("owner", "app"):
        (tmp_path / role).write_text(f"mediation-{role}-test")
    settings = MigrateSettings(
        database_admin_url=database, owner_password_file=tmp_path / "owner", app_password_file=tmp_path / "app"
    )
    referral = new_id()
    await migrate(settings, "mediation", metadata)
    connection = await asyncpg.connect(database)
    try:
        before = await shape(connection)
        await as_first_version(connection)
        await connection.execute(AN_OLD_ONE, referral)
        await migrate(settings, "mediation", metadata)
        row = await connection.fetchrow("SELECT * FROM mediation.mirror WHERE referral_id = $1", referral)
        assert row is not None
        assert (row["calls"], row["has_people"], row["watch_cycle"], row["flags"]) == (2, False, 1, "[]")
        assert await shape(connection) == before
        await migrate(settings, "mediation", metadata)
        for table, right in (("mediation_case", "UPDATE"), ("halt", "DELETE"), ("file_number", "INSERT")):
            assert await connection.fetchval(
                "SELECT has_table_privilege('mediation_app', $1, $2)", f"mediation.{table}", right
            )
    finally:
        await connection.close()


async def as_first_version(connection: asyncpg.Connection) -> None:
    for table in NEW_TABLES:
        await connection.execute(f"DROP TABLE IF EXISTS mediation.{table} CASCADE")
    for column in NEW_COLUMNS:
        await connection.execute(f"ALTER TABLE mediation.mirror DROP COLUMN {column}")
    await connection.execute("UPDATE mediation.alembic_version SET version_num = '0001'")


async def shape(connection: asyncpg.Connection) -> set[tuple[str, str, str]]:
    rows = await connection.fetch(
        """SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'mediation'
           UNION ALL SELECT tablename, indexname, 'index' FROM pg_indexes WHERE schemaname = 'mediation'"""
    )
    return {tuple(row) for row in rows}
