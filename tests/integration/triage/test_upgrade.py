"""A database as the first version left it becomes today's, with its referrals."""

from pathlib import Path

import asyncpg
from chassis.ids import new_id
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from triage_svc.store.tables import metadata

NEW_COLUMNS = [
    "scope_path",
    "version",
    "signed_at",
    "contacted_at",
    "committee_code",
    "parties",
    "returns",
    "return_reason",
    "return_addressee",
    "overdue",
    "withdrawn_at",
    "corrections",
    "police_decision",
    "escalation_level",
    "supervised_at",
    "visited_at",
    "breached_at",
    "cycle",
    "closed_at",
    "outcome",
]
NEW_TABLES = ("halt", "timer", "text_note", "command_key", "audit", "audit_block")
AN_OLD_ONE = """
    INSERT INTO triage.referral (referral_id, state, category, grade, needs_review, hop, office_code, responsible_code,
        opened_at, dispatched_at, calls, duplicates, repeats)
    VALUES ($1, 'dispatched', 'other', 'blue', false, 1, '310109010-SFS', '310109-ZHZX', now(), now(), 1, 0, 0)
"""
ITS_DECISION = """
    INSERT INTO triage.decision (id, referral_id, kind, outcome, evidence, versions, scope_path, at)
    VALUES ($1, $2, 'route', 'assigned', '{}', '{}', '31/310109/310109010', now())
"""


async def test_referrals_of_the_first_version_get_their_area_and_everything_new(database: str, tmp_path: Path) -> None:
    for role in ("owner", "app"):
        (tmp_path / role).write_text(f"triage-{role}-test")
    settings = MigrateSettings(
        database_admin_url=database, owner_password_file=tmp_path / "owner", app_password_file=tmp_path / "app"
    )
    referral = new_id()
    await migrate(settings, "triage", metadata)
    connection = await asyncpg.connect(database)
    try:
        before = await shape(connection)
        await as_first_version(connection)
        await connection.execute(AN_OLD_ONE, referral)
        await connection.execute(ITS_DECISION, new_id(), referral)
        await migrate(settings, "triage", metadata)
        row = await connection.fetchrow("SELECT * FROM triage.referral WHERE referral_id = $1", referral)
        assert row is not None
        assert (row["scope_path"], row["version"], row["overdue"], row["cycle"]) == ("31/310109/310109010", 1, [], 1)
        assert await shape(connection) == before
        await migrate(settings, "triage", metadata)
        assert await connection.fetchval("SELECT has_table_privilege('triage_app', 'triage.halt', 'DELETE')")
    finally:
        await connection.close()


async def as_first_version(connection: asyncpg.Connection) -> None:
    for table in NEW_TABLES:
        await connection.execute(f"DROP TABLE IF EXISTS triage.{table} CASCADE")
    for column in NEW_COLUMNS:
        await connection.execute(f"ALTER TABLE triage.referral DROP COLUMN {column}")
    await connection.execute("UPDATE triage.alembic_version SET version_num = '0001'")


async def shape(connection: asyncpg.Connection) -> set[tuple[str, str, str]]:
    rows = await connection.fetch(
        """SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'triage'
           UNION ALL SELECT tablename, indexname, 'index' FROM pg_indexes WHERE schemaname = 'triage'"""
    )
    return {tuple(row) for row in rows}
