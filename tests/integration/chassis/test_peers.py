"""What a service asks its peers: where their streams end, and not for longer than somebody can wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from chassis.delivery import Head, Peers
from chassis.ids import new_id
from support.stack import KafkaServer
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_a_head_is_told_with_the_event_that_stands_there(pair: Toys) -> None:
    known, unknown = new_id(), new_id()
    await pair.ping.ping(known, 1, 2)
    event_id = await pair.ping.value("SELECT id FROM ping.event_log WHERE seq = 2")
    async with pair.ping.serving():
        peers = Peers(pair.pong.settings.peers, pair.pong.settings.service_token, seconds=3)
        assert await peers.heads_of("ping", [known, unknown]) == {known: Head(2, event_id)}
        assert await peers.head_of("ping", unknown) == Head(0, None)
        await peers.close()


async def test_a_peer_that_drips_is_given_up_in_the_time_that_was_set() -> None:
    """Each byte comes in time, the answer never does."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"x: y\r\n")
            try:
                await writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0.05)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    peers = Peers({"slow": f"http://127.0.0.1:{port}"}, "token", seconds=0.4)
    with pytest.raises(httpx.HTTPError):
        async with asyncio.timeout(5):
            await peers.head_of("slow", new_id())
    await peers.close()
    server.close()
    await server.wait_closed()
