"""What partners and sources were told, word for word: sent again from here when the broker has lost it."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "notice",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("referral_id", Uuid, nullable=False),
        Column("lane", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("headers", JSON, nullable=False),
        Column("body", JSON, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
        Index("notice_topic_at", "topic", "at"),
        schema=schema,
    )
    Table(
        "state_sent",
        metadata,
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("lane", SmallInteger, nullable=False),
        Column("sent_at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("topic", "key"),
        Index("state_sent_lane_at", "lane", "sent_at"),
        schema=schema,
        comment="Every key of a status topic, and when its state was last sent",
    )
    Table(
        "republished",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("loss", BigInteger, nullable=False, server_default="0"),
        Column("compared_at", DateTime(timezone=True)),
        schema=schema,
        comment="Up to which loss of the broker a topic was filled again, and when it was last compared",
    )
