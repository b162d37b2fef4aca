"""One pool per process: SQLAlchemy keeps it, and what it hands out are bare asyncpg connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import greenlet_spawn

from chassis import metrics
from chassis.database_errors import (
    CommitOutcomeUnknown,
    DatabaseUnavailable,
    TransactionUndone,
    as_unavailable,
    sqlstate_of,
)
from chassis.metrics_counting import tell

_CONNECT_SECONDS = 5.0
_COMMAND_SECONDS = 15.0  # beyond statement_timeout: only a server that hangs is cut off by this one
_READ_ONLY = "25006"
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class Database:
    """The pool of one process.

    On a bare connection json values come back decoded and are given as text; times are aware and UTC.
    """

    def __init__(self, url: str, *, process: str, pool_size: int = 8) -> None:
        self._url = make_url(url)
        self._arguments: dict[str, Any] = {
            "timeout": _CONNECT_SECONDS,
            "command_timeout": _COMMAND_SECONDS,
            "server_settings": _server_settings(process),
            "target_session_attrs": "read-write",  # never a standby: what was read there could not be written
        }
        # Not the asynchronous engine: it wraps what is not used here, and brings the whole ORM into each process.
        self._engine: Engine = create_engine(
            self._url.set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_CONNECT_SECONDS,
            pool_use_lifo=True,
            json_deserializer=orjson.loads,
            hide_parameters=True,
            connect_args=self._arguments,
        )
        event.listen(self._engine, "checkout", _refuse_closed)
        tell(metrics.POOL_MOST, {(): pool_size})
        tell(metrics.POOL, self._connections)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """BEGIN … COMMIT around the body; whatever the body raises undoes it whole.

        Raises DatabaseUnavailable while nothing can have been committed, CommitOutcomeUnknown when the connection was
        lost in COMMIT, TransactionUndone when the body swallowed an error and the server therefore rolled back.
        Not re-entrant: inside, use `savepoint`.
        """
        async with self.connection() as connection:
            await connection.execute("BEGIN")
            try:
                yield connection
            except BaseException:
                await _roll_back(connection)
                raise
            await _commit(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A bare connection from the pool, without a transaction: each statement commits by itself."""
        driver: asyncpg.Connection | None = None
        try:
            # Not the engine's `connect`: what it builds around the driver's connection costs three times the pool.
            try:
                pooled = await greenlet_spawn(self._engine.pool.connect)
            except self._engine.dialect.loaded_dbapi.Error as error:  # another name for what the driver has raised
                raise error.__cause__ or error from None
            driver = pooled.driver_connection
            assert driver is not None
            try:
                yield driver
            except asyncpg.InternalClientError:
                driver.terminate()
                raise
            finally:
                if driver.is_closed() or driver.is_in_transaction():
                    driver.terminate()
                    pooled.invalidate()
                else:
                    pooled.close()  # the pool itself has begun nothing on it: there is nothing to wait for
        except Exception as error:  # nothing is kept back: it goes on as what it means to the caller
            if driver is not None and sqlstate_of(error) == _READ_ONLY:
                driver.terminate()  # it became a standby: the address may point elsewhere by now
            lost = as_unavailable(error, connecting=driver is None, closed=driver is not None and driver.is_closed())
            if lost is None or lost is error:
                raise
            raise lost from error

    async def dedicated(self) -> asyncpg.Connection:
        """A connection of its own, outside the pool, for session locks. The caller closes it."""
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            connection: asyncpg.Connection = await asyncpg.connect(address, **self._arguments)
        except _LOST as error:
            raise as_unavailable(error, connecting=True) or error from error
        return connection

    def _connections(self) -> dict[tuple[str, ...], float]:
        pool = self._engine.pool
        assert isinstance(pool, QueuePool)
        return {("in_use",): pool.checkedout(), ("idle",): pool.checkedin()}

    async def check(self) -> None:
        """For readiness; raises DatabaseUnavailable."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    async def warm(self, connections: int) -> None:
        """Opens so many now, or as many as can be had: the first requests should not wait for them."""
        together = asyncio.Barrier(connections)

        async def hold() -> None:
            async with self.connection() as connection:
                await connection.execute("SELECT 1")
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await together.wait()

        await asyncio.gather(*(hold() for _ in range(connections)), return_exceptions=True)

    async def close(self) -> None:
        await greenlet_spawn(self._engine.dispose)


@asynccontextmanager
async def savepoint(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """What the body raises undoes only what the body did, and is raised on."""
    await connection.execute("SAVEPOINT attempt")
    try:
        yield
    except Exception:  # undone and raised on
        await connection.execute("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")
        raise
    await connection.execute("RELEASE SAVEPOINT attempt")


def _server_settings(process: str) -> dict[str, str]:
    return {
        "application_name": process,
        "timezone": "UTC",
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        # A plan made while its table is empty reads the whole table, and a prepared one goes on doing so as it grows.
        "enable_seqscan": "off",
        "jit": "off",  # statements here are short: compiling one costs more than running it
        # A machine that is gone without a word frees its locks in seconds, not in the hours that TCP would give it.
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
        "tcp_user_timeout": "11000",
    }


def _refuse_closed(adapted: Any, _record: Any, _proxy: Any) -> None:
    """After a restart of the server all pooled connections are dead: drop them at once, without a round trip."""
    if adapted.driver_connection.is_closed():
        raise InvalidatePoolError


async def _commit(connection: asyncpg.Connection) -> None:
    if connection.is_closed():
        raise DatabaseUnavailable("connection lost before COMMIT")
    try:
        status = await connection.execute("COMMIT")
    except asyncio.CancelledError:
        connection.terminate()
        raise
    except _LOST as error:
        refused = isinstance(error, asyncpg.PostgresError) and as_unavailable(error) is None
        if refused and not connection.is_closed():
            raise  # the server answered, and the answer was no
        connection.terminate()
        raise CommitOutcomeUnknown("connection lost in COMMIT") from error
    if status != "COMMIT":
        raise TransactionUndone("an error inside the transaction was swallowed")


async def _roll_back(connection: asyncpg.Connection) -> None:
    """Never hides the error that led here; a connection that cannot roll back is given up."""
    if connection.is_closed():
        return
    try:
        await connection.execute("ROLLBACK", timeout=_CONNECT_SECONDS)
    except _LOST:
        connection.terminate()
