"""Every table of triage: its own, and those of delivery."""

from chassis.delivery import tables as delivery
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "triage"
metadata = MetaData()
delivery.add_to(metadata, SCHEMA)

NO_TEXTS = text("'{}'")
NO_ROWS = text("'[]'")
NOW = text("now()")

referral = Table(
    "referral",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("state", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("office_code", Text),
    Column("hop", Integer, nullable=False),
    Column("responsible_code", Text, nullable=False, comment="首接负责: moves only with a signature"),
    Column("review_reason", Text),
    Column("came_from", Text, comment="the state a return was requested from"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("calls", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("scope_path", Text, nullable=False, server_default="", comment="whose it is; empty: the city's alone"),
    Column("version", Integer, nullable=False, server_default="1", comment="what people changed, the ETag"),
    Column("signed_at", DateTime(timezone=True)),
    Column("contacted_at", DateTime(timezone=True)),
    Column("committee_code", Text),
    Column("parties", JSONB, nullable=False, server_default=NO_ROWS),
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("return_reason", Text),
    Column("return_addressee", Text),
    Column("overdue", ARRAY(Text), nullable=False, server_default=NO_TEXTS, comment="clocks that ran out unmet"),
    Column("withdrawn_at", DateTime(timezone=True)),
    Column("corrections", Integer, nullable=False, server_default="0"),
    Column("police_decision", Text),
    Column("escalation_level", Integer, nullable=False, server_default="0"),
    Column("supervised_at", DateTime(timezone=True)),
    Column("visited_at", DateTime(timezone=True)),
    Column("breached_at", DateTime(timezone=True)),
    Column("cycle", Integer, nullable=False, server_default="1"),
    Column("closed_at", DateTime(timezone=True)),
    Column("outcome", Text),
    CheckConstraint("responsible_code <> ''", name="referral_has_a_responsible_unit"),
    CheckConstraint("(hop > 0) = (office_code IS NOT NULL)", name="referral_hop_counts_offices"),
    # the queue of the dispatcher: small, whatever the table holds
    Index("referral_waiting", "opened_at", postgresql_where=text("state IN ('opened', 'under_review', 'blocked')")),
    # the work lists: oldest first, one area's or all
    Index("referral_by_age", "opened_at", "referral_id"),
    Index("referral_by_area", "scope_path", "opened_at", "referral_id"),
    schema=SCHEMA,
    postgresql_with={"fillfactor": 80},
)

halt = Table(
    "halt",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("seq", BigInteger, nullable=False, comment="of the block_set in its producer's stream: a lift names it"),
    Column("code", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("referral_id", "producer", "seq"),
    schema=SCHEMA,
)

decision = Table(
    "decision",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("referral_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("versions", JSONB, nullable=False),
    Column("scope_path", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("decision_referral", "referral_id"),
    schema=SCHEMA,
)

area = Table(
    "area",
    metadata,
    Column("code", Text, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False, server_default=NO_TEXTS),
    schema=SCHEMA,
)

organisation = Table(
    "organisation",
    metadata,
    Column("code", Text, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("area_code", Text, ForeignKey(f"{SCHEMA}.area.code"), nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("sources", ARRAY(Text), nullable=False, server_default=NO_TEXTS),
    schema=SCHEMA,
)

relation = Table(
    "relation",
    metadata,
    Column("kind", Text, nullable=False),
    Column("from_code", Text, ForeignKey(f"{SCHEMA}.organisation.code"), nullable=False),
    Column("to_code", Text, nullable=False),
    Column("to_organisation", Text, ForeignKey(f"{SCHEMA}.organisation.code")),
    Column("to_area", Text, ForeignKey(f"{SCHEMA}.area.code"), comment="for covers alone"),
    Column("dataset", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("classes", ARRAY(Text), nullable=False, server_default=NO_TEXTS),
    PrimaryKeyConstraint("kind", "from_code", "to_code", "valid_from"),
    CheckConstraint("to_code = coalesce(to_organisation, to_area)", name="relation_ends_somewhere"),
    CheckConstraint("(kind = 'covers') = (to_area IS NOT NULL)", name="relation_covers_areas"),
    schema=SCHEMA,
)

directory_version = Table(
    "directory_version",
    metadata,
    Column("n", BigInteger, Identity(always=True), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("is_sample", Boolean, nullable=False),
    Column("loaded_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    schema=SCHEMA,
)
