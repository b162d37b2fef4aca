"""Who did what, as plain rows that nobody who serves can change, and the blocks that chain them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id: it never wraps."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "audit",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        Column("by", Text, nullable=False),
        Column("roles", ARRAY(Text), nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Uuid),
        Column("request_id", Text, nullable=False),
        Column("detail", JSONB, nullable=False, comment="codes, ids and instants only"),
        Column("txid", Xid8, nullable=False, server_default=text("pg_current_xact_id()")),
        Index("audit_txid", "txid", "id"),
        Index("audit_at", "at", "id"),
        Index("audit_subject", "subject", "at"),
        schema=schema,
    )
    Table(
        "audit_block",
        metadata,
        Column("n", BigInteger, primary_key=True, autoincrement=False),
        Column("from_txid", Xid8, nullable=False, comment="exclusive: where the block before ended"),
        Column("to_txid", Xid8, nullable=False, comment="inclusive"),
        Column("rows", Integer, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        Column("previous_digest", LargeBinary, nullable=False),
        Column("sealed_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
        schema=schema,
    )
