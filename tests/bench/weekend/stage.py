"""A stage of the weekend version: for each message a session, a transaction, a send that is waited for, a commit."""

from __future__ import annotations

import asyncio
import os

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from bench.weekend.api import database_url
from bench.weekend.tables import MirrorRow, ReferralRow, WatchRow
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

Row = type[ReferralRow] | type[MirrorRow] | type[WatchRow]
STAGES: dict[str, tuple[str, str | None, Row]] = {
    "triage": ("weekend.intake", "weekend.triage", ReferralRow),
    "mediation": ("weekend.triage", None, MirrorRow),
    "followup": ("weekend.triage", "weekend.followup", WatchRow),
}


async def run(name: str) -> None:
    if name not in STAGES:  # intake sends from its request: it has no worker
        await asyncio.Event().wait()
    reads, writes, row_of = STAGES[name]
    servers = os.environ["WEEKEND_BOOTSTRAP_SERVERS"]
    sessions = async_sessionmaker(create_async_engine(database_url()), expire_on_commit=False)
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    consumer = AIOKafkaConsumer(
        reads, bootstrap_servers=servers, group_id=f"weekend.{name}", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    await consumer.start()
    async for message in consumer:
        referral_id = message.key.decode()
        async with sessions() as db:
            if await db.get(row_of, referral_id) is None:
                db.add(row_of(referral_id=referral_id, body=message.value.decode()))
                await db.commit()
                if writes:
                    await producer.send_and_wait(writes, message.value, key=message.key)
        await consumer.commit()
