"""What people wrote in their own words, encrypted."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, Uuid, text


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "text_note",
        metadata,
        Column("text_id", Uuid, primary_key=True),
        Column("referral_id", Uuid, nullable=False),
        Column("kind", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Index("text_note_referral", "referral_id", "at"),
        schema=schema,
    )
