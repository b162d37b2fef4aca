"""A real PostgreSQL and a real Kafka for the tests, on free ports, with data in .local/test; one of each per run.

Fixtures: `postgres` and `kafka` (session), `database` (an empty database: its administrator's URL), `new_database`.
Both servers can be killed, stopped and started again; what is killed comes back on the same port with `start()`.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import psutil
import pytest
from sqlalchemy import MetaData
from stack import jars, kafka, postgres

__all__ = [
    "database",
    "eventually",
    "free_port",
    "free_ports",
    "kafka_server",
    "new_database",
    "postgres_server",
    "test_folder",
    "used_database",
]

ROOT = Path(__file__).resolve().parents[2]
TEST_DATA = ROOT / ".local/test"
PROOF = TEST_DATA / "proof"
T = TypeVar("T")


async def eventually(check: Callable[[], Any], *, within: float = 10.0, every: float = 0.05) -> Any:
    """Ask until the answer is true; the last answer, or AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        answer = check()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s: {inspect.getsource(check).strip()}")
        await asyncio.sleep(every)


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Ports that are free for TCP and UDP now, and different from one another."""
    found: list[int] = []
    while len(found) < count:
        with closing(socket.socket()) as tcp, closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port not in found:
                found.append(port)
    return found


@dataclass
class Server:
    """A child process whose output goes to a file; starting waits until `is_ready`."""

    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    prepare: Callable[[], None]
    is_ready: Callable[[], bool]
    stop_signal: signal.Signals
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *, within: float = 60.0) -> None:
        self.prepare()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.env, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + within
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                raise RuntimeError(f"{self.command[0]} did not come up: {self.log.read_text()[-3000:]}")
            time.sleep(0.03)

    def stop(self, how: signal.Signals | None = None) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how or self.stop_signal)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)


@dataclass
class PostgresServer(Server):
    port: int = 0
    password: str = ""
    data: Path = Path()

    def url(self, name: str = "postgres") -> str:
        """An administrator's URL of the named database."""
        return postgres.url_of(self.port, self.password, database=name)

    @property
    def version(self) -> str:
        return in_own_loop(lambda: postgres.version(self.url()))

    def stop_immediately(self) -> None:
        """What `pg_ctl stop -m immediate` sends."""
        self.stop(signal.SIGQUIT)


@dataclass
class KafkaServer(Server):
    node: kafka.KafkaNode | None = None

    @property
    def bootstrap_servers(self) -> str:
        assert self.node is not None
        return self.node.bootstrap_servers

    @property
    def cluster_id(self) -> str | None:
        assert self.node is not None
        return self.node.cluster_id()

    @property
    def version(self) -> str:
        """As the running server itself wrote it."""
        lines = [line for line in self.log.read_text().splitlines() if "Kafka version: " in line]
        return lines[-1].rsplit(" ", 1)[1]

    def wipe(self) -> None:
        """Kill -9, lose the data directory, start again: a new cluster on the same port, its clients still alive."""
        assert self.node is not None
        self.kill()
        self.node.wipe()
        self.start()


def in_own_loop(ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """For the synchronous fixtures: the session's loop may be running in this thread, so the question gets another."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(ask())).result()


def remove_dead_runs() -> None:
    for folder in TEST_DATA.glob("run-*"):
        if not psutil.pid_exists(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def test_folder() -> Iterator[Path]:
    """This run's own folder under .local/test, removed at the end."""
    remove_dead_runs()
    folder = TEST_DATA / f"run-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def a_postgres(folder: Path) -> PostgresServer:
    """Not started yet. `folder` takes its data, its password file and its log."""
    folder.mkdir(parents=True, exist_ok=True)
    password_file = folder / "postgres-password"
    password_file.write_text("test-administrator")
    data, port = folder / "postgres", free_port()
    url = postgres.url_of(port, "test-administrator", database="postgres")
    return PostgresServer(
        command=postgres.command(data, port, folder),
        env=postgres.environment(),
        log=folder / "postgres.log",
        prepare=lambda: postgres.prepare(data, password_file, folder),
        is_ready=lambda: kafka.is_listening(f"127.0.0.1:{port}") and in_own_loop(lambda: postgres.answers(url)),
        stop_signal=signal.SIGINT,
        port=port,
        password="test-administrator",
        data=data,
    )


def a_kafka(folder: Path) -> KafkaServer:
    """Not started yet. Fetches Kafka's jars if this clone has none."""
    folder.mkdir(parents=True, exist_ok=True)
    class_path = jars.class_path(ROOT / ".local/cache")
    port, controller_port = free_ports(2)
    node = kafka.KafkaNode(
        folder / "kafka", folder / "kafka-settings/server.properties", class_path, port, controller_port
    )
    return KafkaServer(
        command=node.command(),
        env=kafka.environment(),
        log=folder / "kafka.log",
        prepare=node.prepare,
        is_ready=lambda: in_own_loop(lambda: kafka.answers(node.bootstrap_servers)),
        stop_signal=signal.SIGTERM,
        node=node,
    )


def note_proof(name: str, version: str) -> None:
    """.ci/run reads this: which real servers this run has talked to."""
    PROOF.mkdir(exist_ok=True)
    (PROOF / name).write_text(version)


@pytest.fixture(scope="session", name="postgres")
def postgres_server(test_folder: Path) -> Iterator[PostgresServer]:
    server = a_postgres(test_folder / "shared")
    server.start()
    note_proof("postgres", server.version)
    yield server
    server.stop_immediately()  # nobody reads this data again


@pytest.fixture(scope="session", name="kafka")
def kafka_server(test_folder: Path) -> Iterator[KafkaServer]:
    server = a_kafka(test_folder / "shared")
    server.start()
    note_proof("kafka", server.version)
    yield server
    server.kill()  # nobody reads this data again


@asynccontextmanager
async def fresh_database(postgres: PostgresServer) -> AsyncIterator[str]:
    """Empty; its administrator's URL. Dropped afterwards, whoever is still connected."""
    name = f"t_{time.monotonic_ns()}"
    admin = await asyncpg.connect(postgres.url())
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
        yield postgres.url(name)
    finally:
        await admin.close()
        admin = await asyncpg.connect(postgres.url())
        await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await admin.close()


@pytest.fixture
async def new_database(postgres: PostgresServer) -> AsyncIterator[str]:
    """For tests of what belongs to a database itself: its rights, its settings, its figures."""
    async with fresh_database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
async def used_database(postgres: PostgresServer) -> AsyncIterator[str]:
    async with fresh_database(postgres) as url:
        yield url


@pytest.fixture
async def database(used_database: str) -> AsyncIterator[str]:
    """Nothing is in it; its administrator's URL. One for the run: to make one takes longer than most tests."""
    yield used_database
    await _make_empty(used_database)


async def _make_empty(url: str) -> None:
    """Whoever is still connected is thrown out, with the locks of his session, before the next test begins."""
    admin = await asyncpg.connect(url)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    await admin.execute(f"SELECT pg_terminate_backend(pid) {others}")
    await eventually(lambda: admin.fetchval(f"SELECT count(*) = 0 {others}"), every=0.01)
    await admin.execute("""DO $$ DECLARE made name; BEGIN
        FOR made IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' LOOP
            EXECUTE format('DROP SCHEMA %I CASCADE', made);
        END LOOP;
        CREATE SCHEMA public AUTHORIZATION pg_database_owner;
        GRANT USAGE ON SCHEMA public TO PUBLIC;
    END $$""")
    await admin.close()


async def empty_tables(admin: asyncpg.Connection, metadata: MetaData) -> None:
    """Numbers that the database gives go on: a directory's version, by which it is cached, is not given twice."""
    tables = ", ".join(f"'{table}'" for table in metadata.sorted_tables)
    await admin.execute(f"""DO $$ DECLARE one text; is_full bool; full_ones text[] := '{{}}'; BEGIN
        FOREACH one IN ARRAY ARRAY[{tables}] LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO is_full;
            full_ones := CASE WHEN is_full THEN full_ones || one ELSE full_ones END;
        END LOOP;
        IF full_ones <> '{{}}' THEN EXECUTE 'TRUNCATE ' || array_to_string(full_ones, ', ') || ' CASCADE'; END IF;
    END $$""")
