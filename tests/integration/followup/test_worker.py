"""followup's worker as a process: from Kafka to a committed watch, and its fact back on Kafka."""

from pathlib import Path

from aiokafka import AIOKafkaConsumer
from chassis.ids import new_id
from followup_svc.events import CONTRACTS, HANDLERS
from followup_svc.store.tables import metadata
from referral_schemas.envelope import from_headers
from referral_schemas.followup import WatchOpened
from support.consumers import a_consumer, an_arrival, classified, dispatched, opened
from support.stack import KafkaServer
from support.watching import make_work
from support.workers import a_worker, publish


async def test_a_dispatched_referral_is_watched_and_the_world_is_told_once(
    database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    referral, servers = new_id(), kafka.bootstrap_servers
    facts = [
        an_arrival(opened(), referral, 1),
        an_arrival(classified(), referral, 1, after={"intake": 1}),
        an_arrival(dispatched(), referral, 2, after={"intake": 1}),
    ]
    async with (
        a_consumer(
            "followup", metadata, CONTRACTS, HANDLERS, make_work, database_url=database, folder=tmp_path
        ) as followup,
        a_worker("followup", followup, servers, tmp_path),
    ):
        await publish(servers, [*facts, *facts])
        reader = AIOKafkaConsumer("followup.v1", bootstrap_servers=servers, auto_offset_reset="earliest", group_id=None)
        await reader.start()
        try:
            message = await anext(aiter(reader))
            while message.key != str(referral).encode():
                message = await anext(aiter(reader))
        finally:
            await reader.stop()
        envelope = from_headers(message.headers)
        assert (envelope.event_type, envelope.streamseq) == (WatchOpened.TYPE, 1)
        assert envelope.after == {"intake": 1, "triage": 2}
        assert envelope.causation_id == facts[2].envelope.event_id
        assert WatchOpened.parse(message.value).cycle == 1
        heads = await followup.rows("SELECT head FROM followup.stream WHERE referral_id = $1", referral)
        assert heads == [{"head": 1}]
