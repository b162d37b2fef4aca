"""What is an outage (wait and try again) and how long to wait; everything else ends the worker and shows itself."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
import httpx
import structlog
from aiokafka.errors import KafkaError

from chassis.database_errors import CommitOutcomeUnknown, DatabaseUnavailable

T = TypeVar("T")
log = structlog.get_logger(__name__)

OUTAGES = (
    DatabaseUnavailable,
    CommitOutcomeUnknown,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server's last word came between two statements
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,  # deadlock, serialization
    asyncpg.ObjectNotInPrerequisiteStateError,  # lock not available
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby, until the address points to the primary
    asyncpg.PostgresSystemError,
    KafkaError,
    httpx.HTTPError,
    TimeoutError,
    OSError,
)


def waits(*, first: float = 0.05, most: float = 5.0) -> Callable[[], float]:
    """Growing, jittered, bounded: each call gives the next wait in seconds."""
    current = first

    def following() -> float:
        nonlocal current
        wait = current * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        current = min(current * 2, most)
        return wait

    return following


async def until_done(name: str, attempt: Callable[[], Awaitable[T]], *, most: float = 5.0) -> T:
    """Repeats through outages until it succeeds; what is no outage rises at once."""
    following = waits(most=most)
    while True:
        try:
            return await attempt()
        except OUTAGES as error:
            wait = following()
            log.warning("outage", doing=name, error=type(error).__name__, retry_in=round(wait, 2))
            await asyncio.sleep(wait)
