"""Failures are forced where they come from; no line that tells of them shows a stack, a statement, a path, or a word
of what was being worked on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chassis.app import create_app
from chassis.database import Database
from chassis.delivery.batch import Applier
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.ids import new_id
from fastapi import APIRouter
from fuzz.junk import PERSON, PHONE
from fuzz.leaks import leaks_of_line, logged_to
from support.arrivals import a_pinged
from support.stack import PostgresServer, fresh_database
from support.toys import HANDLERS, Pinged, Toy, ToyWork, toys

SPILT = f"SELECT name FROM call WHERE name = '{PERSON}' -- /srv/secrets/key.pem, {PHONE}"
CRASHES = """
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from chassis import logs
from chassis.app import create_app
from chassis.serve import run_worker, serve
from chassis.settings import PrefixedSettings
from chassis.starting import begin
SPILT = sys.argv[2]

class Broken(PrefixedSettings):
    log_level: str = "info"
    def _read_secrets(self, prefix):
        open("/srv/secrets/" + SPILT)

@asynccontextmanager
async def lifespan(app):
    raise ValueError(SPILT)
    yield

async def work():
    raise ValueError(SPILT)

def settings():
    begin(Broken, "TOY_", "toy", "worker")

def api():
    logs.configure("toy-api")
    known = SimpleNamespace(token_public_key=PUBLIC, token_issuer="i", token_audience="a", metrics_port=None)
    serve(create_app("玩具", "Toy", settings=known, routers=[], checks={}, lifespan=lifespan), host="127.0.0.1", port=0)

def worker():
    logs.configure("toy-worker")
    sys.exit(run_worker(work()))

def main():
    logs.configure("toy-worker")
    raise ValueError(SPILT)

PUBLIC = Path(sys.argv[3]).read_text()
globals()[sys.argv[1]]()
"""


@dataclass(frozen=True)
class Log:
    file: Path

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def tells(self, event: str) -> dict[str, Any]:
        """The one line of that name; and nothing that was logged shows more than it should."""
        shown = [(found, line) for line in self.file.read_text().splitlines() if (found := leaks_of_line(line))]
        assert shown == []
        (line,) = [line for line in self.lines if line["event"] == event]
        return line


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    with logged_to(tmp_path / "log"):
        yield Log(tmp_path / "log")


@pytest.fixture(scope="module")
async def pong(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Toy]:
    """Its worker never runs, so no broker is needed."""
    async with (
        fresh_database(postgres) as url,
        toys(url, "127.0.0.1:1", tmp_path_factory.mktemp("failures")) as made,
    ):
        yield made.pong


def an_applier(pong: Toy, handle: Callable[[Pinged, ToyWork], None]) -> Applier[ToyWork]:
    quarantine = Quarantine(pong.database, pong.service, pong.settings.keyring, consumer=ACTING)
    return Applier(pong.units, pong.contracts, {Pinged: handle}, quarantine)


async def asked(pong: Toy, answer: Callable[[], Any]) -> httpx.Response:
    router = APIRouter()
    router.add_api_route("/told", answer)
    app = create_app("玩具", "Toy", settings=pong.settings, routers=[router], checks={})
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://toy") as client:
        return await client.get("/told")


@pytest.mark.parametrize(
    "planted", [SPILT, "Traceback (most recent", 'File "x", line 3, in f', "INSERT INTO x", "/a/b"]
)
def test_the_scan_finds_what_it_is_to_find(planted: str) -> None:
    assert leaks_of_line(json.dumps({"event": "surprise", "deeper": [{"text": planted}]})) != []
    assert leaks_of_line(planted) != []


def test_the_template_of_a_route_is_no_path_also_behind_the_words_of_a_keeper() -> None:
    line = json.dumps({"event": "request", "route": "/v1/calls/{source}"})
    assert leaks_of_line(line) == leaks_of_line(f"14:56:15.055 intake-api | {line}") == []
    assert leaks_of_line(f'14:56:15.055 intake-api | {line[:-1]}, "file": "/srv/key.pem"}}') == ["a path"]


async def test_an_unhandled_error_of_a_route(pong: Toy, log: Log) -> None:
    async def answer() -> None:
        raise LookupError(SPILT) from ValueError(SPILT)

    assert (await asked(pong, answer)).status_code == 500
    line = log.tells("surprise")
    assert line["exception"] == ["LookupError", "ValueError"]
    assert line["where"].startswith("chassis.edge:")  # the innermost of ours: this route is the test's
    assert line["request_id"]


@pytest.mark.parametrize(
    ("statement", "arguments", "sqlstate"),
    [
        (f"SELECT * FROM nowhere WHERE name = '{PERSON}'", (), "42P01"),
        ("INSERT INTO pong.tally (referral_id, count) VALUES ($1, $2)", (None, 1), "23502"),
        ("SELECT $1::text::int", (PERSON,), "22P02"),
    ],
)
async def test_a_statement_that_the_database_refuses(
    pong: Toy, log: Log, statement: str, arguments: tuple[Any, ...], sqlstate: str
) -> None:
    async def answer() -> None:
        await pong.execute("SELECT 1")
        async with pong.database.transaction() as connection:
            await connection.execute(statement, *arguments)

    assert (await asked(pong, answer)).status_code == 500
    line = log.tells("surprise")
    assert line["database"]["sqlstate"] == sqlstate
    assert line["where"].startswith("chassis.")


async def test_a_database_that_is_not_there(pong: Toy, log: Log) -> None:
    gone = Database(f"postgresql://{PERSON}:secret@127.0.0.1:1/x", process="toy", pool_size=1)

    assert (await asked(pong, gone.check)).status_code == 503
    line = log.tells("database_unavailable")
    assert line["where"].startswith("chassis.database:")
    assert line["system"] == "Connection refused"


async def test_a_handler_that_raises(pong: Toy, log: Log) -> None:
    def handle(event: Pinged, work: ToyWork) -> None:
        raise ValueError(SPILT)

    await an_applier(pong, handle).apply([a_pinged(new_id(), 1, 5)])
    assert log.tells("event_failed")["error"] == "ValueError"
    assert log.tells("event_failed")["where"].startswith("chassis.")


async def test_an_event_that_the_database_refuses(pong: Toy, log: Log) -> None:
    await an_applier(pong, HANDLERS["pong"][Pinged]).apply([a_pinged(new_id(), 1, 2**31 + 1)])
    assert log.tells("event_refused_by_database")["error"] == "DataError"


async def test_a_broker_that_is_not_there(log: Log) -> None:
    for client in (
        AIOKafkaConsumer("a", bootstrap_servers="127.0.0.1:1"),
        AIOKafkaProducer(bootstrap_servers=["[::1]:1"]),
    ):
        try:
            await client.start()
        except Exception:  # whatever it is: it goes the way of all surprises
            logging.getLogger("aiokafka.test").exception("Unexpected error in %s", client)
        finally:
            await client.stop()
    assert log.tells("Unexpected error in <AIOKafkaConsumer>")["exception"] == ["aiokafka.errors.KafkaConnectionError"]
    assert [line for line in log.lines if line["event"].startswith("Unable connect to ")]


async def test_what_the_event_loop_itself_has_to_say(log: Log) -> None:
    def called_back(_text: str) -> None:
        raise ValueError(SPILT)

    async def forgotten() -> None:
        raise ValueError(SPILT)

    loop = asyncio.get_running_loop()
    loop.call_soon(called_back, SPILT)
    task = asyncio.create_task(forgotten(), name=SPILT)
    await asyncio.wait([task])
    del task
    await asyncio.sleep(0)
    assert log.tells("Task exception was never retrieved")["exception"] == ["ValueError"]
    (line,) = [line for line in log.lines if line["event"].startswith("Exception in callback")]
    assert line["where"].endswith(f"called_back:{called_back.__code__.co_firstlineno + 1}")


def test_a_thread_and_a_warning(log: Log) -> None:
    def fail() -> None:
        raise ValueError(SPILT)

    thread = threading.Thread(target=fail, name=SPILT)
    thread.start()
    thread.join()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SPILT, UserWarning, stacklevel=1)
    assert log.tells("uncaught")["in_thread"] is True
    assert log.tells("python_warning")["where"].startswith(f"{__name__}:")


@pytest.mark.parametrize(
    ("crash", "code", "event", "kind", "place"),
    [
        ("settings", 1, "uncaught", "FileNotFoundError", "chassis.settings:PrefixedSettings.load:"),
        ("api", 3, "api_failed", "ValueError", "chassis.app:"),
        ("worker", 1, "worker_failed", "ValueError", "chassis.serve:_until_stopped:"),
        ("main", 1, "uncaught", "ValueError", "__main__:main:"),
    ],
)
def test_a_crash_at_the_start_is_a_line_and_an_exit_code(
    tmp_path: Path, pong: Toy, crash: str, code: int, event: str, kind: str, place: str
) -> None:
    program, out = tmp_path / "program.py", tmp_path / "log"
    program.write_text(CRASHES)
    arguments = [crash, SPILT, str(pong.settings.token_public_key_file)]
    with out.open("wb") as log:
        done = subprocess.run([sys.executable, str(program), *arguments], stdout=log, stderr=log, check=False)
    line = Log(out).tells(event)
    assert (done.returncode, line["exception"], line["where"].startswith(place)) == (code, [kind], True), line
