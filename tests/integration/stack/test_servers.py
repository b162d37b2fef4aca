"""The two real servers that every other test stands on."""

from __future__ import annotations

import asyncpg
import pytest
from stack import kafka as node
from support.stack import KafkaServer, PostgresServer


async def test_postgres_is_the_real_thing_and_keeps_what_it_commits(database: str) -> None:
    connection = await asyncpg.connect(database)
    assert (await connection.fetchval("SHOW server_version")).startswith("18.")
    assert await connection.fetchval("SHOW fsync") == "on"
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()


async def test_postgres_refuses_a_wrong_password(postgres: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url().replace("test-administrator", "another"))


async def test_postgres_writes_neither_statements_nor_values_to_its_log(
    database: str, postgres: PostgresServer
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE person (name text PRIMARY KEY)")
    await connection.execute("INSERT INTO person VALUES ($1)", "canary-in-parameter")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO person VALUES ($1)", "canary-in-parameter")
    with pytest.raises(asyncpg.PostgresError):
        await connection.execute("SELECT 'canary-in-statement'::int")
    await connection.close()
    assert "canary" not in postgres.log.read_text()


async def test_kafka_is_the_real_thing(kafka: KafkaServer) -> None:
    assert await node.brokers(kafka.bootstrap_servers) == [1]
    assert kafka.version.startswith("4.3.")
