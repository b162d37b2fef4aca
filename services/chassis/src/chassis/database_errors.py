"""What can go wrong between us and PostgreSQL, in the few words that matter to a caller; and trying again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

T = TypeVar("T")

_FIRST_WAIT_SECONDS = 0.02
_CONTENDED = frozenset({"40P01", "55P03", "40001"})  # deadlock, lock timeout, serialization
_UNAVAILABLE_CLASSES = ("08", "53")  # connection, insufficient resources (disk, memory, connections)
# shut down, crashed, starting, idle too long, statement took too long, idle in transaction too long, read-only standby
_UNAVAILABLE = frozenset({"57P01", "57P02", "57P03", "57P05", "57014", "25P03", "25006"})


class DatabaseUnavailable(Exception):
    """The work was not done; the same request may be sent again."""


class DatabaseBusy(DatabaseUnavailable):
    """Others held the locks every time it was tried."""


class CommitOutcomeUnknown(Exception):
    """The work was done or it was not: only looking at the database tells. Repeat under the same natural key."""


class TransactionUndone(Exception):
    """The server rolled back at COMMIT, because an error inside the transaction was caught and forgotten."""


def sqlstate_of(error: BaseException) -> str | None:
    """The five characters, whether asyncpg raised this or SQLAlchemy wrapped it."""
    if isinstance(error, DBAPIError):
        return getattr(error.orig, "sqlstate", None)
    return getattr(error, "sqlstate", None)


def as_unavailable(
    error: BaseException, *, connecting: bool = False, closed: bool = False
) -> DatabaseUnavailable | None:
    """The error as DatabaseUnavailable if it is that; None when it is something else, such as a broken constraint.

    `connecting`: nothing but the driver can have raised it, so refused connections and time limits count too.
    """
    if isinstance(error, DatabaseUnavailable):
        return error
    state = sqlstate_of(error) or ""
    driver_error = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
    is_lost = (
        state[:2] in _UNAVAILABLE_CLASSES
        or state in _UNAVAILABLE
        or isinstance(error, PoolExhausted | TimeoutError | ConnectionError)
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
        or isinstance(driver_error, asyncpg.InternalClientError)  # the server's last word came between two statements
        or (connecting and isinstance(error, OSError))
        or (connecting and isinstance(error, asyncpg.InterfaceError) and "is closed" in str(error))
        or (closed and isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError))
    )
    return DatabaseUnavailable(f"{type(error).__name__} {state}".strip()) if is_lost else None


async def retrying(work: Callable[[], Awaitable[T]], *, attempts: int = 4) -> T:
    """Run one whole transaction again after a deadlock, a lock timeout or a serialization failure.

    The waits grow and are jittered, so that two who met do not meet again. At the end: DatabaseBusy.
    """
    for attempt in range(attempts):
        try:
            return await work()
        except (asyncpg.PostgresError, DBAPIError) as error:
            state = sqlstate_of(error)
            if state not in _CONTENDED:
                raise
            if attempt == attempts - 1:
                raise DatabaseBusy(f"{state} after {attempts} attempts") from error
        await asyncio.sleep(_FIRST_WAIT_SECONDS * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311
    raise ValueError("at least one attempt")
