"""Keys of systems, bound to one source: checked against their hashes, remembered for half a minute."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from chassis.auth import Caller, token_invalid
from chassis.database import Database
from chassis.ids import new_id

PREFIX = "ldk_"
REMEMBERED_SECONDS = 30.0
KEY_ROLES = frozenset({"source_system", "partner"})
_MAX_REMEMBERED = 10_000
_MAX_LENGTH = 200


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """What a key lets its holder do. A key that speaks for a source speaks for no other."""

    name: str
    roles: frozenset[str]
    scope_path: str
    source: str | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is told once and kept nowhere."""

    key_id: UUID
    secret: str
    digest: bytes

    @classmethod
    def make(cls) -> "NewKey":
        secret = PREFIX + secrets.token_urlsafe(32)
        return cls(new_id(), secret, digest_of(secret))


class ApiKeys:
    """Knows which keys are good. `roles` are those that a key may be given."""

    def __init__(
        self,
        database: Database,
        schema: str,
        *,
        roles: frozenset[str] = KEY_ROLES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database, self.schema, self.roles = database, schema, roles
        self._monotonic = monotonic
        self._remembered: dict[bytes, tuple[Caller | None, float]] = {}
        self._find = f"""
            SELECT key_id, roles, scope_path, source FROM {schema}.api_key WHERE digest = $1 AND revoked_at IS NULL
        """

    async def caller_of(self, key: str) -> Caller:
        """Raises a 401 problem for a key that is unknown or revoked, DatabaseUnavailable when nobody can tell.

        A revoked key is good for 30 seconds more at most, in processes that have just seen it.
        """
        if len(key) > _MAX_LENGTH or not key.isascii():
            raise token_invalid()
        digest = digest_of(key)
        found = self._remembered.get(digest)
        if found is None or found[1] <= self._monotonic():
            found = (await self._look_up(digest), self._monotonic() + REMEMBERED_SECONDS)
            self._remember(digest, found)
        if found[0] is None:
            raise token_invalid()
        return found[0]

    def forget(self) -> None:
        """After a key was revoked here: this process need not wait."""
        self._remembered.clear()

    def _remember(self, digest: bytes, found: tuple[Caller | None, float]) -> None:
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = found

    async def _look_up(self, digest: bytes) -> Caller | None:
        async with self.database.connection() as connection:
            row = await connection.fetchrow(self._find, digest)
        if row is None:
            return None
        return Caller(f"key:{row['key_id']}", frozenset(row["roles"]), row["scope_path"], row["source"])


async def insert_key(
    connection: asyncpg.Connection, schema: str, new: NewKey, grant: KeyGrant, *, by: str
) -> asyncpg.Record | None:
    return await connection.fetchrow(
        f"""INSERT INTO {schema}.api_key (key_id, digest, name, source, roles, scope_path, created_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *""",
        new.key_id, new.digest, grant.name, grant.source, sorted(grant.roles), grant.scope_path, by,
    )  # fmt: skip


async def revoke_key(connection: asyncpg.Connection, schema: str, key_id: UUID, *, by: str) -> asyncpg.Record | None:
    """The first revocation stands. None: there is no such key."""
    return await connection.fetchrow(
        f"""UPDATE {schema}.api_key SET revoked_at = coalesce(revoked_at, clock_timestamp()),
                   revoked_by = coalesce(revoked_by, $2) WHERE key_id = $1 RETURNING *""",
        key_id,
        by,
    )


def digest_of(key: str) -> bytes:
    """A key is 256 random bits: nothing slower than a hash is needed to keep it from being guessed."""
    return hashlib.sha256(key.encode()).digest()
