"""Brings a service's database to what its code expects: roles, schema, tables, rights. May run any number of times."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import asyncpg
import structlog
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, MetaData, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from chassis.grants import grant_statements
from chassis.scram import scram_verifier
from chassis.settings import MigrateSettings, read_secret

DATABASE = "liandong"
_MAINTENANCE = frozenset({None, "", "postgres", "template1"})
_LOCK = 0x4C69616E  # one migration at a time in a database, whichever service it belongs to
_log = structlog.get_logger()


async def migrate(settings: MigrateSettings, service: str, metadata: MetaData, *, package: str | None = None) -> None:
    """Make the roles `<service>_owner` and `<service>_app`, the schema, run the migrations as owner, grant to app.

    The address may name a maintenance database; then, or when its own is missing, the database is created too.
    """
    if not re.fullmatch(r"[a-z][a-z_]{0,40}", service):
        raise ValueError("a service's name is small letters")
    admin_url = make_url(settings.database_admin_url)
    target = DATABASE if admin_url.database in _MAINTENANCE else str(admin_url.database)
    await _create_database(admin_url, target)
    async with _connected(admin_url.set(database=target)) as admin:
        await admin.execute(f"SELECT pg_advisory_lock({_LOCK})")  # released with the connection
        await _create_role(admin, f"{service}_owner", settings.owner_password_file)
        await _create_role(admin, f"{service}_app", settings.app_password_file)
        await _create_schema(admin, service, target)
        owner_url = admin_url.set(
            drivername="postgresql+asyncpg",
            database=target,
            username=f"{service}_owner",
            password=read_secret(settings.owner_password_file),
        )
        await _upgrade(owner_url, service, metadata, package or f"{service}_svc")
    _log.info("migrated", service=service, database=target)


@asynccontextmanager
async def _connected(url: URL) -> AsyncIterator[asyncpg.Connection]:
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, timeout=10, server_settings={"lock_timeout": "120s"})
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def _create_database(admin_url: URL, target: str) -> None:
    """CREATE DATABASE knows no IF NOT EXISTS, and two may try at once: being second is fine."""
    try:
        async with _connected(admin_url.set(database=target)):
            return
    except asyncpg.InvalidCatalogNameError:
        pass
    maintenance = admin_url.database if admin_url.database != target else "postgres"
    async with _connected(admin_url.set(database=maintenance or "postgres")) as admin:
        try:
            await admin.execute(f"CREATE DATABASE {_quoted(target)} TEMPLATE template0 ENCODING 'UTF8'")
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            return


async def _create_role(admin: asyncpg.Connection, role: str, password_file: Path) -> None:
    """Roles belong to the cluster, so another database's migration may be at the same role: then once more."""
    verifier = scram_verifier(read_secret(password_file))
    for attempt in range(10):
        try:
            if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"CREATE ROLE {role}")
            await admin.execute(f"ALTER ROLE {role} LOGIN PASSWORD '{verifier}'")
            return
        except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError, asyncpg.InternalServerError):
            if attempt == 9:
                raise
            await asyncio.sleep(0.05 * (attempt + 1))


async def _create_schema(admin: asyncpg.Connection, service: str, database: str) -> None:
    owner, app = f"{service}_owner", f"{service}_app"
    if not await admin.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await admin.execute(f"GRANT {owner} TO CURRENT_USER")  # to be allowed to hand the schema over
    await admin.execute(f"GRANT CONNECT ON DATABASE {_quoted(database)} TO {owner}, {app}")
    await admin.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {owner}")
    for role in (owner, app):
        await admin.execute(
            f"ALTER ROLE {role} IN DATABASE {_quoted(database)} SET search_path = {service}, pg_catalog"
        )


async def _upgrade(owner_url: URL, service: str, metadata: MetaData, package: str) -> None:
    engine = create_async_engine(
        owner_url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"server_settings": {"lock_timeout": "10s", "application_name": f"{service}-migrate"}},
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_run_alembic, service, metadata, package)
            await connection.commit()
        async with engine.begin() as connection:
            for statement in await grant_statements(connection, service):
                await connection.exec_driver_sql(statement)
    finally:
        await engine.dispose()


def _run_alembic(connection: Connection, service: str, metadata: MetaData, package: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("chassis") / "alembic_env"))
    config.set_main_option("version_locations", str(files(package) / "migrations" / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(connection=connection, metadata=metadata, schema=service)
    command.upgrade(config, "head")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
