"""mediation's worker as a process: from Kafka to a committed mirror."""

from pathlib import Path
from typing import Any

from chassis.ids import new_id
from support.consumers import Consumer, an_arrival, classified, dispatched, opened
from support.stack import KafkaServer, eventually
from support.workers import a_worker, publish


async def test_an_effect_that_comes_before_its_cause_ends_in_one_mirror(
    mediation: Consumer, kafka: KafkaServer, tmp_path: Path
) -> None:
    referral, servers = new_id(), kafka.bootstrap_servers
    async with a_worker("mediation", mediation, servers, tmp_path):

        async def parked() -> list[dict[str, Any]]:
            return await mediation.rows("SELECT reason FROM mediation.parked WHERE referral_id = $1", referral)

        async def both_wait() -> bool:
            return [row["reason"] for row in await parked()] == ["waiting", "waiting"]

        async def dispatched_mirrors() -> list[dict[str, Any]]:
            return await mediation.rows(
                "SELECT office_code FROM mediation.mirror WHERE referral_id = $1 AND state = 'dispatched'", referral
            )

        await publish(
            servers,
            [
                an_arrival(classified(), referral, 1, after={"intake": 1}),
                an_arrival(dispatched(), referral, 2, after={"intake": 1}),
            ],
        )
        they_wait: bool = await eventually(both_wait)
        assert they_wait
        await publish(servers, [an_arrival(opened(), referral, 1)])
        mirrors: list[dict[str, Any]] = await eventually(dispatched_mirrors, within=15)
        assert mirrors[0]["office_code"] == "310109010-SFS"
        assert await parked() == []
