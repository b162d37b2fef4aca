"""The keys of systems: only their hashes."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "api_key",
        metadata,
        Column("key_id", Uuid, primary_key=True),
        Column("digest", LargeBinary, nullable=False, comment="SHA-256 of the key, which nobody keeps"),
        Column("name", Text, nullable=False),
        Column("source", Text),
        Column("roles", ARRAY(Text), nullable=False),
        Column("scope_path", Text, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("revoked_by", Text),
        Column("revoked_at", DateTime(timezone=True)),
        Index("api_key_digest", "digest", unique=True),
        schema=schema,
    )
