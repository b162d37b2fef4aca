"""What a worker tells of its database and its logs when it is asked for its metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from chassis import metrics_counting
from chassis.database import Database
from chassis.delivery.batch import Applier
from chassis.delivery.figures import Figures
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.delivery.reader import Reader
from chassis.delivery.statements import ACTING
from chassis.ids import id_at, new_id
from support.arrivals import a_pinged
from support.stack import PostgresServer, fresh_database
from support.toys import HANDLERS, Pinged, Toy, toys

A_WHILE = timedelta(seconds=90)


@pytest.fixture(scope="module")
async def pong(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Toy]:
    async with (
        fresh_database(postgres) as url,
        toys(url, "127.0.0.1:1", tmp_path_factory.mktemp("figures")) as made,
    ):
        metrics_counting.begin("pong-worker")
        yield made.pong


def told(name: str, **labels: str) -> float | None:
    return metrics_counting.REGISTRY.get_sample_value(f"liandong_{name}", labels | metrics_counting.REGISTRY.named)


async def test_what_waits_and_for_how_long_is_told_and_what_is_done_is_told_as_nought(pong: Toy) -> None:
    figures = Figures(pong.database, "pong", {})
    await figures.read()
    assert told("outbox_rows", kind="live") == told("outbox_oldest_age_seconds") == told("timers_overdue") == 0
    assert told("figures_read") == 1

    await _something_of_everything(pong)
    figures = Figures(pong.database, "pong", {})
    await figures.read()
    assert told("outbox_rows", kind="live") == 2  # a ping and an answer
    assert told("outbox_rows", kind="resend") == 1
    assert 90 <= (told("outbox_oldest_age_seconds") or 0) < 120
    assert told("parked_events", consumer="acting", producer="ping", reason="failed") == 1
    assert told("parked_events", consumer="acting", producer="ping", reason="waiting") == 1
    assert 90 <= (told("parked_oldest_age_seconds", consumer="acting", reason="waiting") or 0) < 120
    assert told("quarantined_records", consumer="acting", topic="ping.v1") == 1
    assert told("unsendable_records", topic="pong.v1", type="state", reason="MessageSizeTooLargeError") == 1
    assert told("lacking_streams", consumer="acting", producer="ping", state="real") == 1
    assert told("distrusted_producers", consumer="acting", producer="ping") == 1
    assert told("timers_overdue") == told("timers_failed") == 1
    assert 90 <= (told("timers_overdue_oldest_age_seconds") or 0) < 120
    for outcome, event_type in (("applied", Pinged.TYPE), ("failed", Pinged.TYPE), ("waiting", Pinged.TYPE)):
        assert told("events_total", consumer="acting", type=event_type, outcome=outcome), outcome
    assert told("events_total", consumer="acting", type="unreadable", outcome="quarantined")
    assert told("events_total", consumer="acting", type="unknown", outcome="passed_over")


async def test_a_database_that_does_not_answer_takes_its_figures_with_it(pong: Toy) -> None:
    await Figures(pong.database, "pong", {}).read()
    gone = Database("postgresql://nobody:x@127.0.0.1:1/none", process="gone")
    await Figures(gone, "pong", {}).read()
    assert told("figures_read") == 0
    assert told("outbox_rows", kind="live") is None
    await gone.close()


async def test_many_who_ask_at_once_cost_the_database_one_look(pong: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Counting(Figures):
        async def _read_database(self) -> bool:
            nonlocal looks
            looks += 1
            return True

    figures = Counting(pong.database, "pong", {})
    for _ in range(5):
        await figures.read()
    assert looks == 1


async def test_what_lies_unread_is_told_by_topic(pong: Toy) -> None:
    class Log:
        def assignment(self) -> set[TopicPartition]:
            return {TopicPartition("ping.v1", n) for n in range(3)}

        def highwater(self, partition: TopicPartition) -> int | None:
            return (10, 20, None)[int(partition.partition)]

        async def position(self, partition: TopicPartition) -> int:
            return 4

    contracts: Any = SimpleNamespace(producers={"ping.v1": "ping"})
    reader = Reader(contracts, lambda: None)
    reader._consumer = Log()
    await Figures(pong.database, "pong", {"acting": reader}).read()
    assert told("consumer_lag_records", consumer="acting", topic="ping.v1") == 22


async def _something_of_everything(pong: Toy) -> None:
    quarantine = Quarantine(pong.database, "pong", pong.settings.keyring, consumer=ACTING)
    applier = Applier(pong.units, pong.contracts, HANDLERS["pong"], quarantine)
    strange = a_pinged(new_id(), 1)
    strange.envelope = strange.envelope._replace(type="cn.else.where.v1")
    await applier.apply(
        [a_pinged(new_id(), 1), a_pinged(new_id(), 1, -1), a_pinged(new_id(), 2), strange],
        [Unplaced("ping.v1", 0, 7, "no subject", None, (), b"\xff")],
    )
    await pong.ping(new_id(), 1)
    long_ago = id_at(datetime.now(UTC) - A_WHILE)
    await pong.execute(
        f"""
        UPDATE pong.outbox SET event_id = '{long_ago}' WHERE n = (SELECT min(n) FROM pong.outbox);
        INSERT INTO pong.outbox (lane, topic, key, event_id, resend) VALUES (0, 'pong.v1', 'k', '{new_id()}', true);
        UPDATE pong.parked SET since = now() - interval '90 seconds';
        INSERT INTO pong.unsendable (n, lane, topic, key, reason)
            VALUES (1, 0, 'pong.v1', 'k', 'MessageSizeTooLargeError');
        INSERT INTO pong.lacking (consumer, producer, referral_id, upto, state)
            VALUES ('acting', 'ping', '{new_id()}', 3, 'real');
        INSERT INTO pong.comparison (consumer, producer, distrusted) VALUES ('acting', 'ping', 'restored');
        INSERT INTO pong.timer (referral_id, clock, key, span, started_at, due_at, rule, calendar, state, silent)
            SELECT '{new_id()}', c, '', '1d', now(), now() - interval '90 seconds', 'r', 'none', c, false
            FROM unnest(ARRAY['running', 'failed']) AS c;
        """
    )
