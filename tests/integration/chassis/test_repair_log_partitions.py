"""The log's months: made ahead while a worker runs, and rows that found none of them raise the alarm."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chassis.delivery.tables import add_partitions_call
from chassis.ids import id_at, new_id
from structlog.testing import capture_logs
from support.stack import KafkaServer, eventually
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


def alarms(logs: Sequence[MutableMapping[str, Any]]) -> int:
    return sum(one["event"] == "event_log_default_holds_rows" and one["log_level"] == "error" for one in logs)


async def test_rows_in_the_logs_default_partition_raise_the_alarm(pair: Toys) -> None:
    far = id_at(datetime.now(UTC) + timedelta(days=400))
    await pair.ping.value(
        """INSERT INTO ping.event_log (id, referral_id, seq, type, headers, body)
           VALUES ($1, $2, 1, 't', '{}', '{}') RETURNING 1""",
        far,
        new_id(),
    )
    assert await pair.ping.value("SELECT id FROM ping.event_log_default") == far
    with capture_logs() as logs:
        async with pair.ping.working():
            await eventually(lambda: alarms(logs), within=20)


async def test_a_month_that_is_missing_is_made_and_nothing_is_alarmed_while_every_row_has_its_month(
    pair: Toys,
) -> None:
    await pair.ping.ping(new_id(), 1)
    last = add_partitions_call("ping", datetime.now(UTC))[1][-1]
    await pair.ping.execute(f"DROP TABLE ping.{last}")
    with capture_logs() as logs:
        async with pair.ping.working():
            await eventually(lambda: pair.ping.value("SELECT to_regclass($1)::text", f"ping.{last}"), within=20)
    assert alarms(logs) == 0
