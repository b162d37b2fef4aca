"""Mutated records through each consumer's own loop and gate, over a real database: none ends it, each has its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka.structs import ConsumerRecord
from chassis.ids import new_id
from fuzz import running
from fuzz.consumers import Fed, four_consumers
from fuzz.leaks import leaking_lines, leaks, logged_to
from fuzz.records import HostileTopics, a_record, as_kept, from_kept, good_headers
from fuzz.running import INPUTS, SEED, Progress
from support.saying import say_of
from support.stack import PostgresServer, fresh_database

SERVICES = ("intake", "triage", "mediation", "followup")
EACH = INPUTS // 2 // len(SERVICES)
PORTION = 500
pytestmark = pytest.mark.timeout(120 if not running.IS_FULL else 1800)


@pytest.fixture(scope="module")
async def four(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Fed]]:
    async with (
        fresh_database(postgres) as database,
        four_consumers(database, tmp_path_factory.mktemp("consumers")) as fed,
    ):
        yield fed


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "events.log"


async def read_all(fed: Fed, seed: int, records: Sequence[ConsumerRecord]) -> None:
    """What ends the loop is looked for by halving and kept."""
    try:
        reader = await fed.read(records)
        assert len(reader.done) == len(records)
    except Exception as error:
        if len(records) > 1:
            middle = len(records) // 2
            await read_all(fed, seed, records[:middle])
            await read_all(fed, seed, records[middle:])
            raise
        file = running.keep(f"event-{fed.name}", seed, records[0].offset, as_kept(records[0]))
        raise AssertionError(f"{fed.name}'s worker would end: {type(error).__name__}; kept as {file.name}") from error


@pytest.mark.parametrize("service", SERVICES)
async def test_no_record_ends_a_worker_and_what_is_good_among_them_arrives(
    four: dict[str, Fed], log_file: Path, service: str, request: pytest.FixtureRequest
) -> None:
    fed, progress = four[service], Progress(service, EACH, say_of(request))
    hostile = HostileTopics(SEED, service, fed.topics)
    good: list[UUID] = []
    with logged_to(log_file):
        for begin in range(0, EACH, PORTION):
            records = list(islice(hostile, min(PORTION, EACH - begin)))
            records.insert(len(records) // 2, a_good_one(fed, good))
            await read_all(fed, SEED, records)
            progress.at(begin + len(records) - 1)
    await everything_has_its_place(fed, good)
    assert leaking_lines(log_file) == []


async def test_what_once_ended_a_worker_does_not_any_more(four: dict[str, Fed]) -> None:
    """Every input that ever did stands in `kept`."""
    records = [from_kept(told, n) for n, told in enumerate(running.kept("event"))]
    assert records
    for fed in four.values():
        await read_all(fed, 0, [record for record in records if record.topic in fed.topics])


async def test_no_event_that_came_of_it_shows_more_than_it_should(four: dict[str, Fed]) -> None:
    for name, fed in four.items():
        for table in ("event_log", "notice"):
            rows = await fed.consumer.rows(f"SELECT headers::text || body::text AS told FROM {name}.{table}")
            shown = [(found, row["told"][:300]) for row in rows if (found := leaks(row["told"]))]
            assert shown == [], f"{name}.{table}"


async def everything_has_its_place(fed: Fed, good: Sequence[UUID]) -> None:
    """Streams without a hole, parked rows with a reason that people know, and the good ones applied."""
    rows = fed.consumer.rows
    reached = {
        row["referral_id"] for row in await rows(f"SELECT referral_id FROM {fed.name}.stream_pos WHERE last = 1")
    }
    assert set(good) <= reached
    parked = await rows(f"SELECT reason, detail FROM {fed.name}.parked")
    assert {row["reason"] for row in parked} <= {"waiting", "failed", "conflict", "unknown_version"}
    details = Counter(row["detail"] for row in parked if row["reason"] == "failed")
    assert all(detail.isidentifier() for detail in details), details
    holes = await rows(
        f"""SELECT s.referral_id FROM {fed.name}.stream s LEFT JOIN {fed.name}.event_log e USING (referral_id)
            GROUP BY s.referral_id, s.head HAVING s.head <> count(e.seq) OR s.head <> coalesce(max(e.seq), 0)"""
    )
    assert holes == []
    quarantined = await rows(f"SELECT count(*) AS n FROM {fed.name}.quarantine")
    figures: dict[str, Any] = {
        "records": EACH,
        "positions reached": (await rows(f"SELECT coalesce(sum(last), 0)::int AS n FROM {fed.name}.stream_pos"))[0][
            "n"
        ],
        "parked": dict(Counter(row["reason"] for row in parked)),
        "failed as": dict(details),
        "quarantined": quarantined[0]["n"],
    }
    running.report(f"events of {fed.name}", figures)


def a_good_one(fed: Fed, good: list[UUID]) -> ConsumerRecord:
    """A stream of its own, which nothing hostile names; of a type that everybody may pass over or act on."""
    good.append(referral_id := new_id())
    topic = fed.topics[0]
    return a_record(topic, 10_000_000 + len(good), *good_headers(topic, referral_id))
