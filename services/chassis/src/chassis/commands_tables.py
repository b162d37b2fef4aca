"""The answers that commands have given under an idempotency key, kept for good."""

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text, Uuid, text


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "command_key",
        metadata,
        Column("sub", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("command_id", Uuid, nullable=False),
        Column("digest", LargeBinary, nullable=False, comment="of method, path, query and body"),
        Column("status", Integer, nullable=False),
        Column("sealed", LargeBinary, nullable=False, comment="the answer's body, encrypted"),
        Column("version", Integer),
        Column("location", Text),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        PrimaryKeyConstraint("sub", "key"),
        schema=schema,
    )
