"""What somebody wants thrown away, until somebody else agrees; kept for good afterwards."""

from sqlalchemy import Column, DateTime, Index, MetaData, Table, Text, Uuid, text


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "discard_request",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("place", Text, nullable=False),
        Column(
            "identity", Text, nullable=False, comment="what stood there when it was asked: nothing else is discarded"
        ),
        Column("producer", Text, nullable=False, server_default=""),
        Column("reason", Text, nullable=False, comment="a code"),
        Column("asked_by", Text, nullable=False),
        Column("asked_scope", Text, nullable=False),
        Column("asked_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Column("confirmed_by", Text),
        Column("confirmed_at", DateTime(timezone=True)),
        Index("discard_request_open", "kind", "place", unique=True, postgresql_where=text("confirmed_at IS NULL")),
        schema=schema,
    )
