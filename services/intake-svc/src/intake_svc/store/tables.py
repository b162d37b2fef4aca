"""intake's own tables, beside those of delivery. Nobody else reads them."""

from chassis.delivery.tables import add_to
from sqlalchemy import (
    CheckConstraint,
    Column,
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

from intake_svc.domain.call import CallState, LinkKind

SCHEMA = "intake"

metadata = MetaData(schema=SCHEMA)
add_to(metadata, SCHEMA)


def _one_of(column: str, values: type[CallState] | type[LinkKind]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"call_{column}")


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
    UniqueConstraint("source", "call_no", name="call_source_call_no"),
    _one_of("state", CallState),
    _one_of("link_kind", LinkKind),
    CheckConstraint("(linked_to IS NULL) = (link_kind IS NULL)", name="call_link"),
    Index("call_received", "received_at", "call_id", postgresql_where=text("state = 'received'")),
    Index("call_identity", "identity_key", "reported_at", postgresql_where=text("identity_key IS NOT NULL")),
    Index("call_linked_to", "linked_to", postgresql_where=text("linked_to IS NOT NULL")),
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
