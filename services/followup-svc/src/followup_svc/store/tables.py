"""followup's own tables, beside those of delivery. Nobody else reads them."""

from chassis.delivery.tables import add_to
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
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

SCHEMA = "followup"

metadata = MetaData(schema=SCHEMA)
add_to(metadata, SCHEMA)


def _instant(name: str, *, optional: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=optional)


noted = Table(
    "noted",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("opened_at", DateTime(timezone=True)),
    Column("calls", Integer, nullable=False),
    Column("category", Text),
    Column("grade", Text),
    Column("grades", JSON, nullable=False, server_default="[]", comment="[instant, grade], oldest first"),
    Column("area_code", Text),
    Column("has_more", Boolean, nullable=False, server_default="false"),
    Column("told_version", Integer, nullable=False, server_default="0", comment="what partners were told last"),
    Column("told_state", Text),
    Column("told_at", DateTime(timezone=True)),
    Column("told_place", DateTime(timezone=True)),
    Column("told_stated_at", DateTime(timezone=True)),
    Column("told_closed_at", DateTime(timezone=True)),
    Column("told_area", Text),
    Column("told_office", Text),
    Column("told_cycle", SmallInteger, nullable=False, server_default="1"),
    comment="What is known of a referral, watched or not: plans are chosen by it, partners are told from it",
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
    Column("scope_path", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("anchor_kind", Text),
    _instant("anchored_at", optional=True),
    _instant("anchor_stated_at", optional=True),
    Column("anchor_outcome", Text),
    Column("agreement_no", Text),
    _instant("void_until", optional=True),
    Column("proposed_grade", Text, comment="by a visit, until triage has answered"),
    Column("escalation", SmallInteger, nullable=False, server_default="0"),
    _instant("closed_at", optional=True),
    Column("outcome", Text),
    Column("plan_version", Text),
    CheckConstraint("state IN ('watching', 'anchored', 'closed')", name="watch_state"),
    CheckConstraint("cycle >= 1", name="watch_cycle"),
    Index("watch_scope", text("scope_path text_pattern_ops"), "referral_id"),
    comment="One watch per referral, from its first dispatch on; a reopened one begins a new cycle",
)

visit = Table(
    "visit",
    metadata,
    Column("visit_id", Uuid, primary_key=True),
    Column("referral_id", Uuid, nullable=False, index=True),
    Column("cycle", SmallInteger, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("slot", Text, nullable=False, comment="the line of the plan that it answers"),
    Column("state", Text, nullable=False),
    _instant("due_at"),
    Column("channel", Text, nullable=False),
    Column("mandatory", Boolean, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Column("report", JSON, comment="codes and ids; words stand sealed in text_note"),
    Column("waiver", JSON),
    CheckConstraint("state IN ('planned', 'due', 'done', 'unreachable', 'waived', 'cancelled')", name="visit_state"),
    Index("visit_due", "due_at", "visit_id", postgresql_where=text("state IN ('planned', 'due', 'unreachable')")),
)

obligation = Table(
    "obligation",
    metadata,
    Column("obligation_id", Uuid, primary_key=True),
    Column("referral_id", Uuid, nullable=False, index=True),
    Column("cycle", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("due_on", Date),
    _instant("due_at", optional=True),
    Column("state", Text, nullable=False),
)

milestone = Table(
    "milestone",
    metadata,
    Column("fact_id", Uuid, primary_key=True),
    Column("referral_id", Uuid, nullable=False, index=True),
    Column("milestone", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("awaits", Boolean, nullable=False),
    comment="What the source must have been told: by intake, counted here",
)

halt = Table(
    "halt",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    _instant("at"),
    _instant("lifted_at", optional=True),
    PrimaryKeyConstraint("referral_id", "producer", "seq"),
    comment="A block that stands halts the referral; a lift names the numbers that it removes",
)

reminder = Table(
    "reminder",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("key", Text, nullable=False),
    _instant("due_at"),
    _instant("breached_at"),
    Column("breach_id", Uuid, nullable=False),
    Column("is_met", Boolean, nullable=False),
    Column("level", SmallInteger, nullable=False),
    PrimaryKeyConstraint("referral_id", "producer", "clock", "key"),
    Index("reminder_open", "referral_id", postgresql_where=text("NOT is_met")),
)

supervision = Table(
    "supervision",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("referral_id", Uuid, nullable=False, index=True),
    Column("addressee", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("ordered_by", Text, nullable=False),
    _instant("ordered_at"),
    _instant("due_at"),
    _instant("answered_at", optional=True),
)

gate_check = Table(
    "gate_check",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("head", Integer, nullable=False),
    Column("event_id", Uuid),
    _instant("asked_at"),
    PrimaryKeyConstraint("referral_id", "producer"),
    comment="What each producer said of its head before the closing's transaction opened",
)

closing_request = Table(
    "closing_request",
    metadata,
    Column("referral_id", Uuid, primary_key=True),
    Column("cycle", SmallInteger, nullable=False),
    Column("command_id", Uuid, nullable=False),
    Column("asked_by", Text, nullable=False),
    _instant("asked_at"),
    _instant("next_try_at"),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("obstacles", JSON, nullable=False, comment="[code, subjects]: what it waits for"),
    Index("closing_request_waiting", "next_try_at", postgresql_where=text("state = 'waiting'")),
)

timeline = Table(
    "timeline",
    metadata,
    Column("referral_id", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("producer", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("codes", JSON, nullable=False),
    PrimaryKeyConstraint("referral_id", "producer", "seq"),
    Index("timeline_order", "referral_id", "at", "event_id"),
    comment="A read model: every service's events of one referral, in codes",
)
