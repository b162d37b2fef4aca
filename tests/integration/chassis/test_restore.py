"""A database that comes back from a backup serves only when it has been adopted, and then nothing new is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.delivery.incarnation import RestoredDatabase
from chassis.delivery.restore_command import Unasked, adopt, report
from chassis.ids import new_id
from structlog.testing import capture_logs
from structlog.typing import EventDict
from support.backups import CopiedServer, dump, load
from support.stack import KafkaServer, eventually
from support.toys import Toy, Toys, toys

OLD, OTHER, LATER, NEW = new_id(), new_id(), new_id(), new_id()
"""Two streams of the backup, one begun after it, one begun after the restore."""
BACKED_UP = {OLD: 5, OTHER: 5}
LOST = {OLD: 60, LATER: 40}
FINALLY = {OLD: 5 + 60 + 2, OTHER: 5 + 1, LATER: 40 + 1, NEW: 1}


async def test_a_dump_that_is_loaded_is_refused_until_adopted_and_no_new_event_is_dropped(
    database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    """Its fingerprint shows it, whoever can be asked."""
    async with toys(database, kafka.bootstrap_servers, tmp_path) as pair:
        await exchange(pair, BACKED_UP)
        kept = await asyncio.to_thread(dump, database, "ping")
        await exchange(pair, LOST)
        await load(database, "ping", kept)
        await five_new(pair.ping)
        with capture_logs() as lines:
            async with pair.ping.serving(), pair.ping.anew().working():
                await refuses_all_but_operators(pair, reason="another database: stream_oid")
                await eventually(lambda: alarms(lines).count("restored_database_refused") == 2)  # api and worker
                with pytest.raises(Unasked, match="pong"):
                    await adopt(pair.ping.settings, pair.ping.contracts)
                await refuses_all_but_operators(pair, reason="another database: stream_oid")
                assert await pair.ping.value("SELECT count(*) FROM ping.outbox") == 5
            assert alarms(lines).count("restore_noticed") == 1
            await is_adopted_and_whole(pair)


async def test_a_data_directory_copied_back_shows_by_what_a_consumer_knows_and_no_new_event_is_dropped(
    database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    """The consumer cannot be asked at first: new events go out under numbers that it has seen, and it drops them."""
    copied = CopiedServer(tmp_path / "ping")
    copied.server.start()
    try:
        databases = {"ping": copied.server.url()}
        async with toys(database, kafka.bootstrap_servers, tmp_path, databases=databases) as pair:
            await exchange(pair, BACKED_UP)
            copied.back_up()
            await pair.ping.database.close()
            await exchange(pair, LOST)
            copied.restore()
            await pair.ping.database.close()  # its connections are of the server that was
            await five_new(pair.ping)
            with capture_logs() as lines:
                async with pair.pong.anew().working():
                    await serves_until_somebody_can_be_asked(pair)
                    async with pair.ping.serving():
                        told = "events are known that are not here: pong (%)"
                        await refuses_all_but_operators(pair, reason=told.replace("%", "1"))
                        await eventually(lambda: pair.pong.value("SELECT distrusted FROM pong.comparison"))
                assert "producer_restored" in alarms(lines)
                await is_adopted_and_whole(pair)
    finally:
        copied.server.stop_immediately()


async def exchange(pair: Toys, counts: Mapping[UUID, int]) -> None:
    """So many events of each stream, in transactions of ten; both sides end with all effects, and pong remembers."""
    before = {referral_id: (await pair.pong.tally(referral_id)).count for referral_id in counts}
    ping, pong = pair.ping.anew(), pair.pong.anew()
    async with pair.ping.serving(), pair.pong.serving(), ping.working(), pong.working():
        for referral_id, count in counts.items():
            for start in range(1, count + 1, 10):
                await pair.ping.ping(referral_id, *range(start, min(start + 10, count + 1)))
        await eventually(lambda: arrived(pair, {one: before[one] + count for one, count in counts.items()}), within=30)
        await eventually(lambda: remembers_the_newest(pair.pong, counts))


async def five_new(ping: Toy) -> None:
    """What a service writes that does not know yet that it has been restored."""
    await ping.ping(OLD, 101, 102)
    for n, referral_id in enumerate((OTHER, LATER, NEW), 103):
        await ping.ping(referral_id, n)


async def serves_until_somebody_can_be_asked(pair: Toys) -> None:
    ping = pair.ping.anew()
    running = asyncio.create_task(ping.delivery.run())
    await eventually(lambda: has_arrived_alone(pair), within=30)
    with pytest.RaisesGroup(RestoredDatabase, flatten_subgroups=True):
        async with pair.pong.serving(), asyncio.timeout(20):
            await running


async def has_arrived_alone(pair: Toys) -> bool:
    """The new events of untouched streams have had their effect, those under known numbers none."""
    counts = {one: (await pair.pong.tally(one)).count for one in FINALLY}
    sent = await pair.ping.value("SELECT count(*) = 0 FROM ping.outbox")
    return bool(sent and counts == {OLD: 65, OTHER: 6, LATER: 40, NEW: 1})


async def refuses_all_but_operators(pair: Toys, *, reason: str) -> None:
    ops = {"Authorization": f"Bearer {pair.secrets.token('ops')}"}
    async with httpx.AsyncClient(base_url=pair.ping.url) as client:
        answer = await client.get("/v1/things")
        assert (answer.status_code, answer.json()["code"]) == (503, "restored_database")
        assert "python -m ping_svc adopt-restore" in answer.json()["detail_zh"]
        assert "python -m ping_svc adopt-restore" in answer.json()["detail_en"]
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).json()["checks"] == {"restore": "failed: RestoredDatabase"}
        told = (await client.get("/v1/ops/restore", headers=ops)).json()
        assert (told["trusted"], told["reason"]) == (False, reason)
        assert (await client.get("/v1/ops/ledger", headers=ops)).status_code == 200


async def is_adopted_and_whole(pair: Toys) -> None:
    async with pair.pong.serving(), pair.pong.anew().working(), pair.ping.serving():
        adopted = await adopt(pair.ping.settings, pair.ping.contracts)
        assert (adopted.lost, adopted.renumbered) == (100, 3)
        assert f"{OLD} head 67 · 丢失 lost 6–65 (pong, topic) · 重编号 renumbered 6–7 → 66–67" in report(adopted)
        async with pair.ping.anew().working():
            await eventually(lambda: arrived(pair, FINALLY), within=40)
            await eventually(lambda: stands_at_the_heads(pair), within=20)
            trusted = "SELECT adopted = 1 AND distrusted IS NULL FROM pong.comparison"
            await eventually(lambda: pair.pong.value(trusted), within=20)
    for toy in (pair.ping, pair.pong):
        assert await toy.value(f"SELECT count(*) FROM {toy.service}.parked") == 0
        numbers = f"SELECT referral_id, seq FROM {toy.service}.event_log ORDER BY referral_id, seq"
        assert await rows_of(toy, numbers) == [
            (one, seq) for one in sorted(FINALLY) for seq in range(1, FINALLY[one] + 1)
        ]
    listed = "SELECT was IS NULL, count(*)::int FROM ping.adopted_event WHERE adoption = 1 GROUP BY 1 ORDER BY 1"
    assert await rows_of(pair.ping, listed) == [(False, 3), (True, 100)]
    async with pair.ping.serving(), httpx.AsyncClient(base_url=pair.ping.url) as client:
        assert (await client.get("/v1/things")).status_code == 404


async def arrived(pair: Toys, counts: Mapping[UUID, int]) -> bool:
    """Every event once in pong, every answer once in ping."""
    found = [(await toy.tally(one)).count == count for toy in (pair.pong, pair.ping) for one, count in counts.items()]
    return all(found)


async def remembers_the_newest(pong: Toy, streams: Iterable[UUID]) -> bool:
    newest = "SELECT max(last_event_id::text) FROM pong.stream_pos WHERE referral_id = ANY ($1)"
    known = "SELECT max(event_id::text) FROM pong.known_event"
    return bool(await pong.value(newest, list(streams)) == await pong.value(known))


async def stands_at_the_heads(pair: Toys) -> bool:
    heads = "SELECT referral_id, head, head_event_id FROM {}.stream ORDER BY 1"
    at = "SELECT referral_id, last, last_event_id FROM {}.stream_pos WHERE producer = '{}' ORDER BY 1"
    for producer, consumer in ((pair.ping, pair.pong), (pair.pong, pair.ping)):
        written = await rows_of(producer, heads.format(producer.service))
        if await rows_of(consumer, at.format(consumer.service, producer.service)) != written:
            return False
    return True


async def rows_of(toy: Toy, statement: str) -> list[tuple[Any, ...]]:
    async with toy.database.connection() as connection:
        return [tuple(row) for row in await connection.fetch(statement)]


def alarms(lines: Iterable[EventDict]) -> list[str]:
    return [line["event"] for line in lines if line["log_level"] == "error"]
