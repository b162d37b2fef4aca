"""The checker finds nothing on a road where everything is right, and each fault that is planted on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from chaos.oracle import Breach, breaches, breaches_now
from chaos.plants import PLANTS
from chaos.small_road import SmallRoad, migrate_all
from support.stack import PostgresServer


@pytest.fixture(scope="module")
async def road(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallRoad]:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("CREATE DATABASE small_road")
    await migrate_all(postgres.url("small_road"), tmp_path_factory.mktemp("small_road"))
    connection = await asyncpg.connect(postgres.url("small_road"))
    try:
        laid = SmallRoad(connection)
        await laid.lay()
        yield laid
    finally:
        await connection.close()
        await admin.execute("DROP DATABASE small_road WITH (FORCE)")
        await admin.close()


async def test_a_road_where_everything_is_right_has_no_breach(road: SmallRoad) -> None:
    assert await breaches(road.connection, road.promises) == []


@pytest.mark.parametrize("name", PLANTS)
async def test_a_planted_fault_is_found(road: SmallRoad, name: str) -> None:
    statement, claim = PLANTS[name]
    found = await planted(road, statement)
    assert claim in {breach.claim for breach in found}, found


async def planted(road: SmallRoad, statement: str) -> list[Breach]:
    """What the checker says while the fault stands; then it is undone."""
    transaction = road.connection.transaction()
    await transaction.start()
    try:
        await road.connection.execute(statement)
        return await breaches_now(road.connection, road.promises)
    finally:
        await transaction.rollback()
