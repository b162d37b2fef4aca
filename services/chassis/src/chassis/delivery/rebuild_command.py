"""A read model rebuilt by hand, in a process of its own beside the worker that keeps it."""

from __future__ import annotations

import asyncio
import sys

import httpx

from chassis.database import Database
from chassis.database_errors import DatabaseUnavailable
from chassis.delivery.contracts import Contracts
from chassis.delivery.peers import Peers
from chassis.delivery.projecting import Projection
from chassis.delivery.rebuilding import Rebuild, Rebuilt
from chassis.settings import ServiceSettings


def rebuild(settings: ServiceSettings, contracts: Contracts, projection: Projection) -> int:
    """0 done, 1 when some referrals had to be left as they were, or somebody did not answer: begin again."""
    try:
        rebuilt = asyncio.run(_rebuild(settings, contracts, projection))
    except (httpx.HTTPError, DatabaseUnavailable) as error:
        sys.stderr.write(f"未完成，请重新运行 not finished, run it again: {type(error).__name__}\n")
        return 1
    sys.stdout.write(f"已重建 rebuilt: {rebuilt.referrals} · 保持原样 left as they were: {len(rebuilt.left)}\n")
    sys.stdout.writelines(f"{referral_id}\n" for referral_id in rebuilt.left)
    return 1 if rebuilt.left else 0


async def _rebuild(settings: ServiceSettings, contracts: Contracts, projection: Projection) -> Rebuilt:
    database = Database(settings.database_url, process=f"{contracts.service}-rebuild", pool_size=settings.pool_size)
    peers = Peers(settings.peers, settings.service_token)
    try:
        return await Rebuild(projection, contracts, database, peers, settings.keyring).run()
    finally:
        await peers.close()
        await database.close()
