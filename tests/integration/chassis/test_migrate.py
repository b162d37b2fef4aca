from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from sqlalchemy import Column, Integer, MetaData, Table, Text
from sqlalchemy.engine import make_url
from support.stack import PostgresServer, a_postgres

SERVICES = ("alpha", "beta", "gamma", "delta")
FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

def upgrade():
    number = sa.Column("n", sa.Integer, sa.Identity(), primary_key=True)
    op.create_table("state", number, sa.Column("word", sa.Text), schema="{s}")
    op.execute("CREATE TABLE {s}.event_log (id int PRIMARY KEY, body text) PARTITION BY RANGE (id)")
    op.execute("CREATE TABLE {s}.event_log_1 PARTITION OF {s}.event_log FOR VALUES FROM (0) TO (100)")
    op.execute("CREATE TABLE {s}.audit (id int PRIMARY KEY)")
"""
SECOND = """
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("CREATE TABLE {s}.later (n int)")
"""


def metadata_of(service: str) -> MetaData:
    metadata = MetaData()
    Table("state", metadata, Column("n", Integer, primary_key=True), Column("word", Text), schema=service)
    return metadata


class Packages:
    """Throw-away service packages with migrations, importable while the test runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for service in SERVICES:
            versions = folder / f"{service}_toy" / "migrations" / "versions"
            versions.mkdir(parents=True)
            (folder / f"{service}_toy" / "__init__.py").write_text("")
            (versions / "0001_base.py").write_text(FIRST.format(s=service))
            (folder / f"{service}_owner").write_text(f"owner-of-{service}'\"%\n")
            (folder / f"{service}_app").write_text(f"app-of-{service}:/@\n")

    def grow(self, service: str) -> None:
        (self.folder / f"{service}_toy/migrations/versions/0002_later.py").write_text(SECOND.format(s=service))

    def settings(self, service: str, url: str) -> MigrateSettings:
        return MigrateSettings(
            database_admin_url=url,
            owner_password_file=self.folder / f"{service}_owner",
            app_password_file=self.folder / f"{service}_app",
        )

    async def migrate(self, service: str, url: str) -> None:
        await migrate(self.settings(service, url), service, metadata_of(service), package=f"{service}_toy")

    @asynccontextmanager
    async def connected(self, service: str, role: str, url: str) -> AsyncIterator[asyncpg.Connection]:
        password = (self.folder / f"{service}_{role}").read_text().strip()
        address = make_url(url).set(username=f"{service}_{role}", password=password)
        connection = await asyncpg.connect(address.render_as_string(hide_password=False))
        try:
            yield connection
        finally:
            await connection.close()


@pytest.fixture
def database(new_database: str) -> str:
    return new_database


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packages]:
    monkeypatch.syspath_prepend(tmp_path)
    yield Packages(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0].endswith("_toy")]:
        del sys.modules[name]


@pytest.fixture
def empty_cluster(test_folder: Path) -> Iterator[PostgresServer]:
    """Roles belong to a cluster, so what begins from nothing needs one of its own."""
    server = a_postgres(test_folder / "migrate")
    server.start()
    yield server
    server.stop()


async def test_four_services_migrate_an_empty_cluster_at_the_same_moment(
    empty_cluster: PostgresServer, packages: Packages
) -> None:
    await asyncio.gather(*(packages.migrate(service, empty_cluster.url("postgres")) for service in SERVICES))

    for service in SERVICES:
        async with packages.connected(service, "app", empty_cluster.url("liandong")) as app:
            await app.execute("INSERT INTO state (word) VALUES ('x')")
            assert await app.fetchval("SELECT current_schema()") == service
            assert await app.fetchval("SELECT version_num FROM alembic_version") == "0001"
    log = empty_cluster.log.read_text()
    assert not [service for service in SERVICES if f"owner-of-{service}" in log or f"app-of-{service}" in log]
    assert "CREATE ROLE" not in log, "a role that failed to be created would stand here with its statement"


async def test_migrating_again_and_further_keeps_the_data_and_applies_what_is_new(
    database: str, packages: Packages
) -> None:
    await packages.migrate("alpha", database)
    async with packages.connected("alpha", "app", database) as app:
        await app.execute("INSERT INTO state (word) VALUES ('kept')")
        packages.grow("alpha")
        await asyncio.gather(*(packages.migrate("alpha", database) for _ in range(3)))

        assert await app.fetchval("SELECT word FROM state") == "kept"
        assert await app.fetchval("SELECT count(*) FROM later") == 0
        await app.execute("DELETE FROM later")


async def test_the_app_can_only_add_to_and_read_the_log_and_the_audit(database: str, packages: Packages) -> None:
    await packages.migrate("alpha", database)

    async with packages.connected("alpha", "app", database) as app:
        await app.execute("INSERT INTO event_log VALUES (1, 'x'); INSERT INTO audit VALUES (1)")
        assert await app.fetchval("SELECT count(*) FROM event_log_1") == 1
        for forbidden in (
            "UPDATE event_log SET body = 'y'",
            "DELETE FROM event_log",
            "DELETE FROM event_log_1",
            "UPDATE event_log_1 SET body = 'y'",
            "TRUNCATE event_log",
            "DELETE FROM audit",
            "DROP TABLE state",
            "UPDATE alembic_version SET version_num = '0'",
            "CREATE TABLE mine (n int)",
            "CREATE SCHEMA mine",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(forbidden)


async def test_a_partition_made_later_can_be_added_to_but_not_changed(database: str, packages: Packages) -> None:
    await packages.migrate("alpha", database)
    async with packages.connected("alpha", "owner", database) as owner:
        await owner.execute("CREATE TABLE event_log_2 PARTITION OF event_log FOR VALUES FROM (100) TO (200)")

    async with packages.connected("alpha", "app", database) as app:
        await app.execute("INSERT INTO event_log_2 VALUES (101, 'x')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute("DELETE FROM event_log_2")


async def test_no_service_reads_the_tables_of_another(database: str, packages: Packages) -> None:
    await packages.migrate("alpha", database)
    await packages.migrate("beta", database)

    for role in ("app", "owner"):
        async with packages.connected("alpha", role, database) as alpha:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await alpha.fetch("SELECT * FROM beta.state")


async def test_a_changed_password_takes_effect_and_the_old_one_no_longer_works(
    database: str, packages: Packages
) -> None:
    await packages.migrate("alpha", database)
    old = make_url(database).set(username="alpha_app", password="app-of-alpha:/@")
    (packages.folder / "alpha_app").write_text("another")
    await packages.migrate("alpha", database)

    async with packages.connected("alpha", "app", database):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(old.render_as_string(hide_password=False))


async def test_an_administrator_who_is_no_superuser_can_migrate(database: str, packages: Packages) -> None:
    admin = await asyncpg.connect(database)
    name = make_url(database).database
    try:
        await admin.execute(f"""
            DROP ROLE IF EXISTS gamma_owner, gamma_app, plain_admin;
            CREATE ROLE plain_admin LOGIN CREATEROLE PASSWORD 'p'; GRANT CREATE ON DATABASE "{name}" TO plain_admin;
            GRANT CONNECT ON DATABASE "{name}" TO plain_admin WITH GRANT OPTION""")
        url = make_url(database).set(username="plain_admin", password="p").render_as_string(hide_password=False)
        await packages.migrate("gamma", url)
        await packages.migrate("gamma", url)
        async with packages.connected("gamma", "app", database) as app:
            await app.execute("INSERT INTO state (word) VALUES ('x')")
    finally:
        for role in ("plain_admin", "gamma_owner", "gamma_app"):
            await admin.execute(f"DROP OWNED BY {role} CASCADE")
        await admin.execute("DROP ROLE plain_admin, gamma_owner, gamma_app")
        await admin.close()


async def test_passwords_do_not_reach_our_own_logs(
    database: str, packages: Packages, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        await packages.migrate("alpha", database)

    written = caplog.text + "".join(capfd.readouterr())
    assert "0001" in written, "the migration itself must be in what is searched"
    assert "owner-of-alpha" not in written
    assert "app-of-alpha" not in written


async def test_a_name_that_is_no_identifier_is_refused(database: str, packages: Packages) -> None:
    with pytest.raises(ValueError, match="small letters"):
        await migrate(packages.settings("alpha", database), 'x"; DROP', MetaData())
