"""Seals the audit once a second, as long as the worker lives."""

from __future__ import annotations

import asyncio
import time

import structlog

from chassis.audit_sealing import seal, seconds_unsealed
from chassis.database import Database
from chassis.delivery.outages import until_done

log = structlog.get_logger(__name__)

EVERY_SECONDS = 1.0
_LATE_SECONDS = 60.0


async def seal_loop(database: Database, schema: str, *, every: float = EVERY_SECONDS) -> None:
    """Every worker runs it; of several one seals at a time. An alarm a minute while rows wait for longer than that."""
    looked_at = time.monotonic()
    while True:
        while await until_done("seal_audit", lambda: seal(database, schema)) is not None:
            pass
        if time.monotonic() - looked_at > _LATE_SECONDS:
            looked_at = time.monotonic()
            late = await until_done("look_for_unsealed", lambda: seconds_unsealed(database, schema))
            if late > _LATE_SECONDS:
                log.error("audit_unsealed", seconds=round(late))
        await asyncio.sleep(every)
