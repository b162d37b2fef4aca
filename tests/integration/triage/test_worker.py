"""triage's worker as a process between real servers: what comes in twice goes out once, judged before dispatched."""

from functools import partial
from pathlib import Path
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from chassis.ids import new_id
from chassis.workdays import load_calendar
from support.consumers import a_consumer, an_arrival, opened
from support.stack import KafkaServer, eventually
from support.workers import a_worker, publish
from triage_svc.cli import sample_directory
from triage_svc.events import CONTRACTS, HANDLERS
from triage_svc.publishing import PUBLISH
from triage_svc.rules.loading import load_rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.tables import metadata
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.load_directory import load_directory_file

PARTITIONS = [TopicPartition("triage.v1", number) for number in range(12)]


async def test_what_comes_in_twice_goes_out_once_and_in_order(
    database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    servers, referrals = kafka.bootstrap_servers, [new_id() for _ in range(20)]
    call = opened().model_copy(update={"narrative": "楼上邻居漏水", "station_code": "310109010-PCS1"})
    arrivals = [an_arrival(call, referral, 1) for referral in referrals]
    make_work = partial(
        TriageWork, rules=load_rulebook(), current=CurrentDirectory(), publish=PUBLISH, calendar=load_calendar()
    )
    async with a_consumer(
        "triage", metadata, CONTRACTS, HANDLERS, make_work, database_url=database, folder=tmp_path
    ) as triage:
        await load_directory_file(sample_directory(), triage.database)

        async def all_sent() -> bool:
            judged = await triage.rows("SELECT 1 FROM triage.referral WHERE referral_id = ANY ($1)", referrals)
            return len(judged) == len(referrals) and not await triage.rows("SELECT 1 FROM triage.outbox")

        async with a_worker("triage", triage, servers, tmp_path):
            await publish(servers, [*arrivals, *arrivals])
            sent: bool = await eventually(all_sent, within=30)
            assert sent
    stated = await what_was_stated(servers, referrals)
    assert set(map(tuple, stated.values())) == {("referral_classified", "referral_dispatched")}


async def what_was_stated(servers: str, referrals: list[UUID]) -> dict[UUID, list[str]]:
    """The facts about each of these referrals that stand on triage's topic, in its order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    await consumer.start()
    try:
        consumer.assign(PARTITIONS)
        await consumer.seek_to_beginning(*PARTITIONS)
        ends = await consumer.end_offsets(PARTITIONS)
        found: dict[UUID, list[str]] = {referral: [] for referral in referrals}
        while any([await consumer.position(each) < ends[each] for each in PARTITIONS]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if (referral := UUID(record.key.decode())) in found:
                        found[referral].append(dict(record.headers)["ce_type"].decode().split(".")[3])
        return found
    finally:
        await consumer.stop()
