"""Free text that people give: sealed before it touches the database, opened only to be read, never in an event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from chassis.ids import new_id
from chassis.sealing import Keyring


@dataclass(frozen=True, slots=True)
class KeptText:
    text_id: UUID
    referral_id: UUID
    kind: str
    sealed: bytes

    @classmethod
    def seal(cls, keyring: Keyring, referral_id: UUID, kind: str, text: str) -> KeptText:
        text_id = new_id()
        return cls(text_id, referral_id, kind, keyring.seal(text.encode(), place_of(text_id)))


def place_of(text_id: UUID) -> bytes:
    """What a sealed text is bound to: it cannot be opened as another's."""
    return f"text/{text_id}".encode()


async def write_texts(connection: asyncpg.Connection, schema: str, texts: Sequence[KeptText]) -> None:
    if texts:
        await connection.execute(
            f"""INSERT INTO {schema}.text_note (text_id, referral_id, kind, sealed)
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[])""",
            [text.text_id for text in texts],
            [text.referral_id for text in texts],
            [text.kind for text in texts],
            [text.sealed for text in texts],
        )
