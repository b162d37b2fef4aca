"""Throwing away what cannot be cured: asked by one person, done by another. Each act is one audited transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from chassis import audit
from chassis.auth import Caller, covers
from chassis.ids import new_id
from chassis.problems import Problem


@dataclass(frozen=True)
class Found:
    """What stands at a place, under its lock: `identity` tells it from anything else that may stand there later."""

    identity: str
    subject: UUID | None = None
    producer: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    row: Any = None


class Discardable(Protocol):
    """One kind of thing at one place; `kind` and `place` name it in requests and in the audit."""

    @property
    def kind(self) -> str: ...
    @property
    def place(self) -> str: ...
    async def find(self, connection: asyncpg.Connection) -> Found | None:
        """Locked until the transaction's end."""

    async def discard(self, connection: asyncpg.Connection, found: Found) -> None:
        """Raises a 409 problem where something else has to be settled first."""


@dataclass(frozen=True)
class Request:
    """An act of a person, as it goes into the audit."""

    by: Caller
    request_id: str


@dataclass(frozen=True)
class Asked:
    reason: str
    asked_by: str
    asked_at: datetime
    confirmed_by: str | None = None


class Discarding:
    def __init__(self, schema: str) -> None:
        self._schema = schema
        self._table = f"{schema}.discard_request"

    async def ask(self, connection: asyncpg.Connection, it: Discardable, reason: str, request: Request) -> Asked:
        """Asked again it says who asked first; a request for something that has gone since is forgotten."""
        found = await self._found(connection, it)
        standing = await self._standing(connection, it)
        if standing is not None and standing["identity"] == found.identity:
            return Asked(standing["reason"], standing["asked_by"], standing["asked_at"])
        if standing is not None:
            await connection.execute(f"DELETE FROM {self._table} WHERE id = $1", standing["id"])
        asked_at = await connection.fetchval(
            f"""INSERT INTO {self._table} (id, kind, place, identity, producer, reason, asked_by, asked_scope)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING asked_at""",
            new_id(), it.kind, it.place, found.identity, found.producer, reason, request.by.sub, request.by.scope_path,
        )  # fmt: skip
        await self._note(connection, f"ask_discard_{it.kind}", it, found, request, {"reason": reason})
        return Asked(reason, request.by.sub, asked_at)

    async def confirm(self, connection: asyncpg.Connection, it: Discardable, request: Request) -> Asked:
        """By another person, whose area covers that of the one who asked; only what stood there then is discarded."""
        found = await self._found(connection, it)
        standing = await self._standing(connection, it)
        if standing is None or standing["identity"] != found.identity:
            raise Problem(
                409,
                "discard_not_asked",
                "尚无人申请作废此项,请先申请。",
                "Nobody has asked to discard this; ask first.",
            )
        if standing["asked_by"] == request.by.sub:
            raise Problem(
                409,
                "second_person_needed",
                "申请人本人不能确认,须由另一人确认作废。",
                "Who has asked cannot confirm; another person has to.",
            )
        if not covers(request.by.scope_path, standing["asked_scope"]):
            raise Problem(403, "out_of_scope", "该申请不在您的辖区。", "This request comes from outside your area.")
        await it.discard(connection, found)
        await connection.execute(
            f"UPDATE {self._table} SET confirmed_by = $2, confirmed_at = now() WHERE id = $1",
            standing["id"],
            request.by.sub,
        )
        detail = {"reason": standing["reason"], "asked_by": standing["asked_by"]}
        await self._note(connection, f"discard_{it.kind}", it, found, request, detail)
        return Asked(standing["reason"], standing["asked_by"], standing["asked_at"], request.by.sub)

    async def standing(self, connection: asyncpg.Connection, it: Discardable, identity: str) -> Asked | None:
        """The request that waits for a second person, if it means what stands there now."""
        row = await self._standing(connection, it)
        if row is None or row["identity"] != identity:
            return None
        return Asked(row["reason"], row["asked_by"], row["asked_at"])

    async def _found(self, connection: asyncpg.Connection, it: Discardable) -> Found:
        found = await it.find(connection)
        if found is None:
            raise Problem(404, f"no_such_{it.kind}", "没有这一项。", "There is no such thing.")
        return found

    async def _standing(self, connection: asyncpg.Connection, it: Discardable) -> asyncpg.Record | None:
        return await connection.fetchrow(
            f"""SELECT id, identity, reason, asked_by, asked_scope, asked_at FROM {self._table}
                WHERE kind = $1 AND place = $2 AND confirmed_at IS NULL FOR UPDATE""",
            it.kind,
            it.place,
        )

    async def _note(
        self,
        connection: asyncpg.Connection,
        action: str,
        it: Discardable,
        found: Found,
        request: Request,
        more: Mapping[str, Any],
    ) -> None:
        await audit.note(
            connection, by=request.by, action=action, subject=found.subject, request_id=request.request_id,
            detail={"place": it.place, **found.detail, **more}, schema=self._schema,
        )  # fmt: skip
