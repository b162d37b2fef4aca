"""Kafka comes back after kill -9 with what it had, and after the loss of its disk as another cluster."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from stack import jars
from support.stack import ROOT, KafkaServer, a_kafka


@pytest.fixture(scope="module")
def server(test_folder: Path) -> Iterator[KafkaServer]:
    server = a_kafka(test_folder / "kafka-launcher")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def admin(server: KafkaServer) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap_servers)
    await client.start()
    yield client
    await client.close()


async def test_killed_it_comes_back_as_the_same_cluster_and_a_wiped_one_under_live_clients_as_another(
    server: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    await admin.create_topics([NewTopic("kept.v1", 1, 1)])
    cluster = server.cluster_id
    async with AIOKafkaProducer(bootstrap_servers=server.bootstrap_servers, acks="all") as producer:
        await producer.send_and_wait("kept.v1", b"one")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert server.cluster_id == cluster
        assert (await producer.send_and_wait("kept.v1", b"two")).offset == 1

        await asyncio.to_thread(server.wipe)
        assert server.cluster_id not in (cluster, None)
        await admin.create_topics([NewTopic("kept.v1", 1, 1)])
        assert (await producer.send_and_wait("kept.v1", b"three")).offset == 0


def test_missing_and_damaged_jars_are_fetched_again_and_whole_ones_are_not(
    test_folder: Path, kafka: KafkaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = test_folder / "damaged-cache"
    shutil.copytree(ROOT / ".local/cache/kafka", cache / "kafka")
    first, second, *_ = jars.listed()
    (cache / "kafka" / first.file_name).write_bytes(b"half a jar")
    (cache / "kafka" / second.file_name).unlink()
    fetched: list[jars.Jar] = []

    def from_the_whole_cache(jar: jars.Jar, scratch: Path, folder: Path) -> None:
        fetched.append(jar)
        shutil.copy(ROOT / ".local/cache/kafka" / jar.file_name, folder / jar.file_name)

    monkeypatch.setattr(jars, "fetch", from_the_whole_cache)
    files = jars.class_path(cache, say=lambda text: None)
    assert {jar.artifact for jar in fetched} == {first.artifact, second.artifact}
    assert len(files) == 46
    assert all(jar.is_whole(file) for jar, file in zip(jars.listed(), files, strict=True))


def test_without_a_network_the_error_says_what_is_missing_and_why(
    test_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(jars.JarsUnavailableError, match="1 of Kafka's jars could not be fetched"):
        jars.class_path(test_folder / "empty-cache", say=lambda text: None, jars=jars.listed()[:1])
