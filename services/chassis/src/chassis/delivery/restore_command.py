"""`python -m <svc> adopt-restore [--without NAME]…`: asks everybody who may know more, then adopts and lists."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Collection, Sequence
from functools import partial

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from chassis.database import Database
from chassis.database_errors import DatabaseUnavailable
from chassis.delivery.contracts import Contracts
from chassis.delivery.peers import Peers
from chassis.delivery.restore_adopting import Adopted, Adoption
from chassis.delivery.restore_claims import TOPIC, Claims
from chassis.delivery.restore_numbers import Claim
from chassis.settings import ServiceSettings

READ_SECONDS = 3600.0


class Unasked(Exception):
    """Somebody who may know of lost events does not answer: without him numbers would be used twice."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def adopt_restore(settings: ServiceSettings, contracts: Contracts, words: Sequence[str]) -> int:
    """0 adopted, 1 somebody did not answer. The service's own processes may run: they refuse meanwhile."""
    options = _parser(contracts.service).parse_args(list(words))
    try:
        adopted = asyncio.run(adopt(settings, contracts, without=options.without))
    except Unasked as missing:
        left_out = " ".join(f"--without {name}" for name in missing.names)
        sys.stderr.write(
            f"未采纳,下列各方未答复 not adopted, no answer from: {', '.join(missing.names)}\n"
            f"待其恢复后再试;确认不会再来的可略去 try again when they are back, or leave out for good: {left_out}\n"
        )
        return 1
    except DatabaseUnavailable:
        sys.stderr.write("数据库不可用 · the database is not available\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in report(adopted))
    return 0


async def adopt(settings: ServiceSettings, contracts: Contracts, *, without: Collection[str] = ()) -> Adopted:
    """Raises Unasked, DatabaseUnavailable."""
    database = Database(settings.database_url, process=f"{contracts.service}-adopt-restore", pool_size=2)
    peers = Peers(settings.peers, settings.service_token)
    prefix = next(iter(contracts.models)).split(".")[:2]
    adoption = Adoption(database, contracts.service, contracts.topic, ".".join([*prefix, contracts.service]))
    try:
        await adoption.refuse("adopt-restore was begun")
        claims = await _all_claims(settings, contracts, Claims(database, contracts.service), peers, without)
        return await adoption.adopt(claims)
    finally:
        await peers.close()
        await database.close()


async def _all_claims(
    settings: ServiceSettings, contracts: Contracts, claims: Claims, peers: Peers, without: Collection[str]
) -> list[Claim]:
    found: list[Claim] = []
    silent: list[str] = []
    for consumer in sorted(settings.peers.keys() - {contracts.service} - set(without)):
        try:
            found += await claims.of_consumer(peers, consumer, contracts.service)
        except httpx.HTTPError:
            silent.append(consumer)
    if TOPIC not in without:
        try:
            async with asyncio.timeout(READ_SECONDS):
                found += await claims.of_topic(partial(_lone_consumer, settings), contracts.topic)
        except (KafkaError, TimeoutError, OSError):
            silent.append(TOPIC)
    if silent:
        raise Unasked(silent)
    return found


def report(adopted: Adopted) -> list[str]:
    """One line for each stream; the whole is kept in `GET /v1/ops/restore/events`."""
    lines = []
    for referral_id, raised in adopted.streams.items():
        line = f"{referral_id} head {raised.head}"
        if raised.lost:
            known_by = sorted({name for one in raised.lost for name in one.known_by.split(",")})
            line += f" · 丢失 lost {raised.lost[0].seq}–{raised.lost[-1].seq} ({', '.join(known_by)})"
        if raised.renumbered:
            first, last = raised.renumbered[0], raised.renumbered[-1]
            line += f" · 重编号 renumbered {first.was}–{last.was} → {first.seq}–{last.seq}"
        lines.append(line)
    lines.append(
        f"已采纳 adopted: {len(adopted.streams)} 流 streams, {adopted.lost} 丢失 lost, "
        f"{adopted.renumbered} 重编号 renumbered"
    )
    return lines


def _parser(service: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {service}_svc adopt-restore")
    parser.add_argument("--without", action="append", default=[], help="不再等待者 · one that is not waited for")
    return parser


def _lone_consumer(settings: ServiceSettings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        client_id="adopt-restore",
        auto_offset_reset="earliest",
        request_timeout_ms=10_000,
    )
