"""followup's own tables, beside those of delivery. Nobody else reads them."""

from chassis.delivery.tables import add_to
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, MetaData, SmallInteger, Table, Text, Uuid

SCHEMA = "followup"

metadata = MetaData(schema=SCHEMA)
add_to(metadata, SCHEMA)

noted = Table(
    "noted",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("opened_at", DateTime(timezone=True)),
    Column("calls", Integer, nullable=False),
    Column("category", Text),
    Column("grade", Text),
    comment="What is known of a referral before it has a watch: plans will be chosen by it",
    postgresql_with={"fillfactor": 70},
)

watch = Table(
    "watch",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False, index=True),
    Column("cycle", SmallInteger, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("hop", SmallInteger, nullable=False),
    Column("office_code", Text),
    CheckConstraint("state IN ('watching', 'anchored', 'closed')", name="watch_state"),
    CheckConstraint("cycle >= 1", name="watch_cycle"),
    comment="One watch per referral, from its first dispatch on; a reopened one begins a new cycle",
)
