"""mediation's own tables, beside those of delivery. Nobody else reads them."""

from chassis.delivery.tables import add_to
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, MetaData, SmallInteger, Table, Text, Uuid

SCHEMA = "mediation"

metadata = MetaData(schema=SCHEMA)
add_to(metadata, SCHEMA)

mirror = Table(
    "mirror",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("calls", Integer, nullable=False),
    Column("category", Text),
    Column("grade", Text),
    Column("hop", SmallInteger, nullable=False),
    Column("office_code", Text),
    Column("dispatched_at", DateTime(timezone=True)),
    CheckConstraint(
        "(state = 'dispatched') = (hop > 0 AND office_code IS NOT NULL AND dispatched_at IS NOT NULL)",
        name="mirror_dispatched_has_office",
    ),
    comment="What is known of each referral: noted when it opens, complete once dispatched",
    postgresql_with={"fillfactor": 70},  # each row is written three times within seconds
)
