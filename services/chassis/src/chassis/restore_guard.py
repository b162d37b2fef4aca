"""An API that refuses to serve from a restored database: 503 for everything but health, documents and operators."""

from __future__ import annotations

import asyncio
import time

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.database import Database
from chassis.database_errors import DatabaseUnavailable
from chassis.delivery.incarnation import Incarnation, RestoredDatabase, cure
from chassis.problems import RETRY_AFTER_SECONDS, Problem, request_id_of

FRESH_SECONDS = 1.0
STALE_SECONDS = 5.0
GUARDED, OPERATORS = "/v1/", "/v1/ops/"
_log = structlog.get_logger(__name__)


class RestoreGuard:
    """Looks at most once a second, beside the requests; one that comes after a long pause waits for the look."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database, self._service, self._incarnation = database, schema, Incarnation(schema)
        self._looked_at = -STALE_SECONDS
        self._refused = False
        self._looking: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """For readiness; raises RestoredDatabase, DatabaseUnavailable."""
        async with self._database.connection() as connection:
            (await self._incarnation.look(connection)).must_be_trusted()

    async def refusal(self) -> Problem | None:
        age = time.monotonic() - self._looked_at
        if age > FRESH_SECONDS and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look())
        if age > STALE_SECONDS and self._looking is not None:
            await asyncio.shield(self._looking)
        return restored(self._service) if self._refused else None

    async def _look(self) -> None:
        """A database that does not answer is told of by whoever needs it."""
        try:
            await self.check()
        except RestoredDatabase as refusal:
            if not self._refused:
                _log.error("restored_database_refused", reason=str(refusal), cure=cure(self._service))
            self._refused = True
        except DatabaseUnavailable:
            return
        else:
            self._refused = False
        self._looked_at = time.monotonic()


class Refusing:
    """Pure ASGI, inside the edge."""

    def __init__(self, app: ASGIApp, *, guard: RestoreGuard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_guarded(scope["path"]) and (problem := await self._guard.refusal()):
            await problem.response(request_id_of(scope))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_guarded(path: str) -> bool:
    return path.startswith(GUARDED) and not path.startswith(OPERATORS)


def restored(service: str) -> Problem:
    return Problem(
        503,
        "restored_database",
        f"数据库系从备份恢复，其他服务所知多于本库；为免重号漏号，暂停服务。请运维人员运行 {cure(service)} 后再试。",
        "The database came back from a backup and others know more than it does: nothing is served until an operator "
        f"has run {cure(service)}.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS * 15)},
        cure=cure(service),
    )
