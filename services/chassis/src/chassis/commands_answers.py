"""The answers of commands, kept for good under the key they came with, so that a repeat is answered the same."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from fastapi import Response
from pydantic import BaseModel

from chassis.commands_headers import Asked, etag
from chassis.problems import Problem
from chassis.sealing import Keyring


@dataclass(frozen=True)
class Answer:
    """What a command answers when it is done. `version` becomes the ETag."""

    body: BaseModel
    version: int | None = None
    status: int = 200
    location: str | None = None


@dataclass(frozen=True)
class Answered:
    """An answer as it goes out, now or again."""

    status: int
    body: bytes
    version: int | None
    location: str | None

    @classmethod
    def of(cls, answer: Answer) -> "Answered":
        body = answer.body.model_dump_json(by_alias=True).encode()
        return cls(answer.status, body, answer.version, answer.location)

    def response(self) -> Response:
        headers = {"ETag": etag(self.version)} if self.version is not None else {}
        if self.location is not None:
            headers["Location"] = self.location
        return Response(self.body, self.status, headers, "application/json")


class KeyTaken(Exception):
    """Another request under the same key was quicker: its transaction stands, this one is undone and looks again."""


class KeptAnswers:
    """Bound to one service's schema; both methods run inside the caller's transaction."""

    def __init__(self, schema: str, keyring: Keyring) -> None:
        self._keyring = keyring
        self._find = f"""
            SELECT command_id, digest, status, sealed, version, location FROM {schema}.command_key
            WHERE sub = $1 AND key = $2
        """
        self._keep = f"""
            INSERT INTO {schema}.command_key (sub, key, command_id, digest, status, sealed, version, location)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING true
        """

    async def find(self, connection: asyncpg.Connection, asked: Asked) -> Answered | None:
        """The answer that this caller got under this key; raises a 409 problem when it was to another request."""
        if asked.key is None:
            return None
        row = await connection.fetchrow(self._find, asked.by.sub, asked.key)
        if row is None:
            return None
        if row["digest"] != asked.digest:
            raise _key_reused()
        body = self._keyring.open(row["sealed"], _place_of(row["command_id"]))
        return Answered(row["status"], body, row["version"], row["location"])

    async def keep(self, connection: asyncpg.Connection, asked: Asked, command_id: UUID, answered: Answered) -> None:
        """Raises KeyTaken when a parallel request under the same key has committed meanwhile."""
        if asked.key is None:
            return
        kept = await connection.fetchval(
            self._keep,
            asked.by.sub,
            asked.key,
            command_id,
            asked.digest,
            answered.status,
            self._keyring.seal(answered.body, _place_of(command_id)),
            answered.version,
            answered.location,
        )
        if not kept:
            raise KeyTaken


def _place_of(command_id: UUID) -> bytes:
    return f"answer/{command_id}".encode()


def _key_reused() -> Problem:
    return Problem(
        409,
        "idempotency_key_reused",
        "此 Idempotency-Key 已用于内容不同的请求；新操作请用新键。",
        "This Idempotency-Key was used for another request; a new attempt needs a new key.",
        header="Idempotency-Key",
    )
