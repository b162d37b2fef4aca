"""The clocks of a service: one row each, whatever became of it."""

from sqlalchemy import Boolean, Column, DateTime, Index, MetaData, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "timer",
        metadata,
        Column("referral_id", Uuid, nullable=False),
        Column("clock", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("span", Text, nullable=False),
        Column("started_at", DateTime(timezone=True), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("rule", Text, nullable=False, comment="version of the rule that set it"),
        Column("calendar", Text, nullable=False, comment="version/sources that its days were told by, or none"),
        Column("state", Text, nullable=False),
        Column("pauses", JSONB, nullable=False, server_default=text("'[]'")),
        Column("ended_at", DateTime(timezone=True)),
        Column("silent", Boolean, nullable=False),
        PrimaryKeyConstraint("referral_id", "clock", "key"),
        Index("timer_due", "due_at", "referral_id", postgresql_where=text("state = 'running'")),
        Index("timer_failed", "referral_id", postgresql_where=text("state = 'failed'")),
        schema=schema,
        postgresql_with={"fillfactor": 80},
    )
