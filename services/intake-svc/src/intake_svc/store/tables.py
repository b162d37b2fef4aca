"""intake's own tables, beside those of delivery. Nobody else reads them."""

from enum import StrEnum

from chassis.delivery.tables import add_to
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from intake_svc.domain.call import CallState, Errand, LinkKind
from intake_svc.domain.feedback import FeedbackState, Milestone

SCHEMA = "intake"

metadata = MetaData(schema=SCHEMA)
add_to(metadata, SCHEMA)


# `310109010-PCS1` → `31/310109/310109010`; a code without an area in front names none, and its call is the district's.
SCOPE_OF_STATION = """CASE
    WHEN station_code ~ '^[0-9]{9}(-|$)'
        THEN left(station_code, 2) || '/' || left(station_code, 6) || '/' || left(station_code, 9)
    WHEN station_code ~ '^[0-9]{12}(-|$)' THEN left(station_code, 2) || '/' || left(station_code, 6) END"""
WAITS_FOR_PEOPLE = "state IN ('awaiting_screener', 'retained_by_police', 'returned')"


def _one_of(column: str, values: type[StrEnum], *, table: str = "call") -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}")


call = Table(
    "call",
    metadata,
    Column("call_id", Uuid, primary_key=True),
    Column("source", Text, nullable=False),
    Column("call_no", Text, nullable=False),
    Column("referral_id", Uuid, nullable=False, unique=True),
    Column("tracking_code", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),
    Column("came_from", Text),
    Column("version", Integer, nullable=False),
    Column("version_id", Uuid, nullable=False, comment="the current version, and the vault row of its body"),
    Column("content_hash", LargeBinary, nullable=False, comment="keyed: equal content, equal hash"),
    Column("updated_at", DateTime(timezone=True), comment="the source's own, which orders versions"),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    Column("station_code", Text),
    Column("identity_key", LargeBinary, comment="keyed hash of source, caller and place; null never links"),
    Column("linked_to", Uuid, comment="the referral this call joined"),
    Column("link_kind", Text),
    Column("screening", JSONB(none_as_null=True), comment="rule version, outcome, rules and blocks; never words"),
    Column("screened_at", DateTime(timezone=True)),
    Column("opened_at", DateTime(timezone=True), comment="when its own referral was opened, for good"),
    Column("scope_path", Text, Computed(SCOPE_OF_STATION, persisted=True)),
    Column("people_version", Integer, nullable=False, server_default="1", comment="the ETag: what people change"),
    Column("errand", Text, comment="what the linking worker still has to do"),
    Column("errand_version", Integer, comment="the version that the person had read"),
    Column("errand_link_to", Uuid),
    Column("decided", JSONB(none_as_null=True), comment="the last decision of a person: codes, who, when"),
    Column("hop", Integer, nullable=False, server_default="0", comment="how often it was sent out, as far as told"),
    Column("told", Integer, nullable=False, server_default="0", comment="how often its source was told something"),
    UniqueConstraint("source", "call_no", name="call_source_call_no"),
    _one_of("state", CallState),
    _one_of("link_kind", LinkKind),
    _one_of("errand", Errand),
    CheckConstraint("(linked_to IS NULL) = (link_kind IS NULL)", name="call_link"),
    Index("call_received", "received_at", "call_id", postgresql_where=text("state = 'received'")),
    Index("call_identity", "identity_key", "reported_at", postgresql_where=text("identity_key IS NOT NULL")),
    Index("call_linked_to", "linked_to", postgresql_where=text("linked_to IS NOT NULL")),
    Index("call_errand", "received_at", "call_id", postgresql_where=text("errand IS NOT NULL")),
    Index("call_waits_for_people", "call_id", postgresql_where=text(WAITS_FOR_PEOPLE)),
    postgresql_with={"fillfactor": 70},
)

call_version = Table(
    "call_version",
    metadata,
    Column("version_id", Uuid, primary_key=True),
    Column("call_id", Uuid, ForeignKey(call.c.call_id), nullable=False),
    Column("version", Integer, comment="null for what never was the current one"),
    Column("kind", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True)),
    Column("content_hash", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=text("clock_timestamp()")),
    CheckConstraint("kind IN ('current', 'older', 'conflict')", name="call_version_kind"),
    Index("call_version_call", "call_id"),
)

vault = Table(
    "vault",
    metadata,
    Column("version_id", Uuid, ForeignKey(call_version.c.version_id), primary_key=True),
    Column("sealed", LargeBinary, nullable=False, comment="the body as it came: every personal field and the words"),
)

party = Table(
    "party",
    metadata,
    Column("party_id", Uuid, primary_key=True),
    Column("call_id", Uuid, ForeignKey(call.c.call_id), nullable=False),
    Column("role", Text, nullable=False),
    Index("party_call", "call_id"),
)

block = Table(
    "block",
    metadata,
    Column("block_id", Uuid, primary_key=True),
    Column("call_id", Uuid, ForeignKey(call.c.call_id), nullable=False),
    Column("code", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text),
    Column("note_id", Uuid),
    Column("halts", Uuid, comment="the open referral it was stated to"),
    Column("event_id", Uuid),
    Column("seq", Integer, comment="its number in that referral's stream, which a lift names"),
    Column("lifted_at", DateTime(timezone=True)),
    Column("lifted_by", Text, comment="the role"),
    Column("lift_reason", Text),
    Column("lift_note_id", Uuid),
    CheckConstraint("set_by IN ('rule', 'police')", name="block_set_by"),
    CheckConstraint("(halts IS NULL) = (seq IS NULL)", name="block_halts"),
    Index("block_call", "call_id", "code"),
    Index("block_standing", "call_id", "code", unique=True, postgresql_where=text("lifted_at IS NULL")),
)

feedback = Table(
    "feedback",
    metadata,
    Column("call_id", Uuid, ForeignKey(call.c.call_id), primary_key=True),
    Column("fact_id", Uuid, primary_key=True, comment="the event that made it a milestone"),
    Column("referral_id", Uuid, nullable=False),
    Column("milestone", Text, nullable=False),
    Column("outcome", Text),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    Column("awaits_acknowledgement", Boolean, nullable=False),
    Column("notice_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("delivered_at", DateTime(timezone=True)),
    Column("settled_at", DateTime(timezone=True)),
    Column("waived_by", Text),
    Column("reason", Text),
    Column("note_id", Uuid),
    UniqueConstraint("call_id", "version", name="feedback_version"),
    _one_of("milestone", Milestone, table="feedback"),
    _one_of("state", FeedbackState, table="feedback"),
    Index("feedback_on_its_way", "fact_id", postgresql_where=text("state IN ('pending', 'failed')")),
)
