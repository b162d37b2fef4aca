"""What a service must know to notice that its database came back from a backup, and what an adoption leaves behind."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
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

NOW = text("now()")


def add_to(metadata: MetaData, schema: str) -> None:
    Table(
        "incarnation",
        metadata,
        Column("one", Boolean, CheckConstraint("one"), primary_key=True, server_default="true"),
        Column("system_identifier", Text, nullable=False),
        Column("timeline", Integer, nullable=False),
        Column("stream_oid", BigInteger, nullable=False),
        Column("refused_at", DateTime(timezone=True), comment="since when nothing is served until an adoption"),
        Column("reason", Text),
        Column("adopted", Integer, nullable=False, server_default="0", comment="how many restores were adopted"),
        Column("adopted_at", DateTime(timezone=True)),
        schema=schema,
    )
    Table(
        "heard_of",
        metadata,
        Column("consumer", Text, primary_key=True, comment="a service that reads our topic"),
        Column("heard_at", DateTime(timezone=True), nullable=False),
        schema=schema,
    )
    Table(
        "known_event",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("producer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False, comment="the newest applied within some seconds"),
        PrimaryKeyConstraint("producer", "event_id", "consumer"),
        schema=schema,
    )
    Table(
        "adopted_event",
        metadata,
        Column("n", BigInteger, Identity(always=True), primary_key=True),
        Column("adoption", Integer, nullable=False),
        Column("referral_id", Uuid, nullable=False),
        Column("seq", Integer, nullable=False, comment="its number from now on"),
        Column("was", Integer, comment="its number until then; empty for one that was lost"),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("known_by", Text, nullable=False, server_default=""),
        Column("at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Index("adopted_event_referral", "referral_id"),
        schema=schema,
    )


def functions(schema: str) -> tuple[str, ...]:
    """The log is only ever added to, but for this: while the service refuses, an adoption gives new numbers."""
    return (
        f"""
        CREATE OR REPLACE FUNCTION {schema}.renumber_events(ids uuid[], numbers int[])
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_catalog AS $$
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM {schema}.incarnation WHERE refused_at IS NOT NULL) THEN
                RAISE EXCEPTION 'events get other numbers only while a restore is being adopted'
                    USING ERRCODE = 'insufficient_privilege';
            END IF;
            UPDATE {schema}.event_log e SET seq = t.seq,
                headers = jsonb_set(e.headers::jsonb, '{{ce_streamseq}}', to_jsonb(t.seq::text))::json
            FROM unnest(ids, numbers) AS t(id, seq) WHERE e.id = t.id;
        END $$
        """,
    )
