"""What others know of a restored service's events: its consumers by their positions, its topic by the records left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from chassis.database import Database
from chassis.delivery.peers import Peers
from chassis.delivery.restore_numbers import Claim, Record
from chassis.delivery.statements import stored_headers
from chassis.delivery.topic_values import all_records
from chassis.delivery.wire import Unreadable, read_headers

AT_ONCE = 1000
TOPIC = "topic"


class Claims:
    """Only what the restored database lacks is kept: as much as was lost, not as much as there is."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database = database
        self._lacking = f"""
            SELECT known.place FROM unnest($1::uuid[], $2::int[], $3::uuid[])
                WITH ORDINALITY AS known(referral_id, seq, event_id, place)
            LEFT JOIN LATERAL (SELECT id FROM {schema}.event_log WHERE id = known.event_id OFFSET 0) own ON true
            LEFT JOIN LATERAL (
                SELECT head FROM {schema}.stream WHERE referral_id = known.referral_id OFFSET 0) at ON true
            WHERE CASE WHEN known.event_id IS NULL THEN known.seq > coalesce(at.head, 0) ELSE own.id IS NULL END
        """

    async def of_consumer(self, peers: Peers, consumer: str, producer: str) -> list[Claim]:
        """Raises httpx.HTTPError when it does not answer."""
        found: list[Claim] = []
        async for page in peers.positions(consumer, producer):
            found += await self._unknown([Claim(one.referral_id, one.seq, one.event_id, consumer) for one in page])
        return found

    async def of_topic(self, make_consumer: Callable[[], AIOKafkaConsumer], topic: str) -> list[Claim]:
        """From its first record to its present end: also what no consumer has read yet. Raises KafkaError."""
        found: list[Claim] = []
        async for records in all_records(make_consumer, topic):
            claims = [claim for record in records if (claim := _claim(record)) is not None]
            for start in range(0, len(claims), AT_ONCE):
                found += await self._unknown(claims[start : start + AT_ONCE])
        return found

    async def _unknown(self, claims: Sequence[Claim]) -> list[Claim]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                self._lacking,
                [claim.referral_id for claim in claims],
                [claim.seq for claim in claims],
                [claim.event_id for claim in claims],
            )
        return [claims[row[0] - 1] for row in rows]


def _claim(record: Any) -> Claim | None:
    """What cannot be placed, or could not be kept as an event, is nobody's knowledge."""
    try:
        envelope = read_headers(record.headers)
        body = (record.value or b"").decode()
        orjson.loads(body)
    except (Unreadable, ValueError):
        return None
    kept = Record(envelope.type, envelope.causation_id, stored_headers(record.headers), body)
    return Claim(envelope.subject, envelope.seq, envelope.event_id, TOPIC, kept)
