"""Who did what: a plain insert in the transaction of what was done. The sealer chains the rows afterwards."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from chassis.auth import Caller
from chassis.ids import new_id


async def note(
    connection: asyncpg.Connection,
    *,
    by: Caller,
    action: str,
    subject: UUID | None,
    request_id: str,
    detail: Mapping[str, Any] | None = None,
    audit_id: UUID | None = None,
    schema: str | None = None,
) -> UUID:
    """One row; commits with the caller's transaction. `detail` holds codes, ids and instants, never words of people.

    Without `schema` the table is found as the serving role finds its tables, by its search path.
    """
    table = f"{schema}.audit" if schema else "audit"
    audit_id = audit_id or new_id()
    await connection.execute(
        f"""INSERT INTO {table} (id, "by", roles, action, subject, request_id, detail)
            VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb)""",
        audit_id,
        by.sub,
        sorted(by.roles),
        action,
        subject,
        request_id,
        orjson.dumps(dict(detail or {}), default=str).decode(),
    )
    return audit_id
