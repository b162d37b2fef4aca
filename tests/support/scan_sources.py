"""Everything a running stack keeps or says, as text: records of topics, rows of tables, log files, answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from support.scanner import Scanned, text_of

VAULT = frozenset({"intake.vault"})
_TABLES = """
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY 1, 2
"""


async def topics(bootstrap_servers: str, *, within: float = 60.0) -> AsyncIterator[Scanned]:
    """Key, headers and value of every record that any topic still holds, Kafka's internal ones included."""
    partitions = await _partitions(bootstrap_servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        deadline = time.monotonic() + within
        while behind := [one for one in partitions if await consumer.position(one) < ends[one]]:
            assert time.monotonic() < deadline, f"not read to their ends: {behind}"
            for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    yield f"topic {partition.topic}", text_of((record.key or b"", record.headers, record.value or b""))
    finally:
        await consumer.stop()


async def _partitions(bootstrap_servers: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        found = await admin.describe_topics()
    finally:
        await admin.close()
    return [TopicPartition(topic["topic"], part["partition"]) for topic in found for part in topic["partitions"]]


async def tables(url: str, *, but: Collection[str] = VAULT) -> AsyncIterator[Scanned]:
    """Every row of every table that the catalogue knows, whichever schema a later issue puts it in."""
    connection = await asyncpg.connect(url)
    try:
        for schema, name in await connection.fetch(_TABLES):
            if f"{schema}.{name}" not in but:
                for row in await connection.fetch(f'SELECT * FROM "{schema}"."{name}"'):
                    yield f"table {schema}.{name}", text_of(row.values())
    finally:
        await connection.close()


async def logs(folder: Path) -> AsyncIterator[Scanned]:
    """Every file, those of earlier starts too."""
    for file in await asyncio.to_thread(_files, folder):
        yield f"log {file.relative_to(folder)}", await asyncio.to_thread(file.read_text, errors="replace")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def answers(
    services: Mapping[str, str], tokens: Collection[str], known: Mapping[str, Sequence[Mapping[str, str]]]
) -> AsyncIterator[Scanned]:
    """Every GET that a service's OpenAPI names, with every token, for all that `known` has for its parameters.

    `known` gives, by the names of a path's or a query's required parameters, the values to ask with. A path that needs
    others stops the scan: whoever adds it says how it is asked. A token that is refused is not tried again there.
    """
    async with httpx.AsyncClient(timeout=30) as client:
        for service, url in services.items():
            paths = (await client.get(f"{url}/openapi.json")).raise_for_status().json()["paths"]
            for path, methods in paths.items():
                for token in tokens if "get" in methods else ():
                    headers = {"Authorization": f"Bearer {token}"}
                    addresses = [url + address for address in _addresses(path, methods["get"], known)]
                    for some in (addresses[:1], *batched(addresses[1:])):
                        given = await asyncio.gather(*(client.get(address, headers=headers) for address in some))
                        for answer in given:
                            yield f"answer {answer.status_code} of {service} GET {path}", answer.text
                        if any(answer.status_code == 403 for answer in given):
                            break


def batched(addresses: Sequence[str], size: int = 16) -> Iterator[Sequence[str]]:
    return (addresses[at : at + size] for at in range(0, len(addresses), size))


def _addresses(path: str, operation: Mapping[str, Any], known: Mapping[str, Sequence[Mapping[str, str]]]) -> list[str]:
    needed = {one["name"]: one["in"] for one in operation.get("parameters", ()) if one.get("required")}
    if not needed:
        return [path]
    names = ",".join(sorted(needed))
    assert names in known, f"nothing is known to ask GET {path} with: it needs {names}"
    found = []
    for values in known[names]:
        filled = path.format_map({name: quote(value, safe="") for name, value in values.items()})
        query = "&".join(f"{name}={quote(values[name])}" for name, place in needed.items() if place == "query")
        found.append(f"{filled}?{query}" if query else filled)
    return found
