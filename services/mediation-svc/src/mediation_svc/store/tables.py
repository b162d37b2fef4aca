"""mediation's own tables, beside those of delivery. Nobody else reads them."""

from chassis.delivery.tables import add_to
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

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
    Column("has_people", Boolean, nullable=False, server_default=text("false")),
    Column("ended", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("watch_cycle", SmallInteger, nullable=False, server_default=text("1")),
    Column("flags", JSONB, nullable=False, server_default=text("'[]'")),
    CheckConstraint(
        "(state = 'dispatched') = (hop > 0 AND office_code IS NOT NULL AND dispatched_at IS NOT NULL)",
        name="mirror_dispatched_has_office",
    ),
    comment="What is known of each referral: noted when it opens, complete once dispatched",
    postgresql_with={"fillfactor": 70},  # each row is written three times within seconds
)

mediation_case = Table(
    "mediation_case",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("committee_code", Text, nullable=False),
    Column("scope_path", Text, nullable=False),
    Column("cycle", SmallInteger, nullable=False),
    Column("file_no", Text),
    Column("is_overdue", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("detail", JSONB, nullable=False),
    UniqueConstraint("committee_code", "file_no", name="mediation_case_file_no_once"),
    CheckConstraint(
        "file_no IS NOT NULL OR state IN ('applied', 'consent_pending', 'terminated', 'reopened')",
        name="mediation_case_accepted_has_file_no",
    ),
    Index("mediation_case_work_list", "opened_at", "referral_id"),
    Index("mediation_case_by_scope", "scope_path", "opened_at", "referral_id"),
    comment="One case a referral: the whole aggregate in `detail`, beside it what lists look for",
    postgresql_with={"fillfactor": 70},
)

halt = Table(
    "halt",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("referral_id", "producer", "seq"),
    comment="Blocks that hold a referral; free when it has no row",
)

file_number = Table(
    "file_number",
    metadata,
    Column("committee_code", Text, nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("committee_code", "year"),
    comment="The last file number of each committee and year; its row is locked by whoever accepts",
)
