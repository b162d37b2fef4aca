"""The tables of delivery, the same in every service's schema, and the two functions that come with them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from chassis import api_keys_tables, audit_tables, commands_tables, texts_tables, timers_tables
from chassis.delivery import discarding_tables, notices_tables, restore_tables
from chassis.ids import id_at

LANES = 12
PARTITIONS_AHEAD = 3

NOW = text("now()")


def add_to(metadata: MetaData, schema: str) -> None:
    """Adds the delivery tables to a service's metadata; `after_create` adds what SQLAlchemy cannot say."""
    _streams(metadata, schema)
    _outgoing(metadata, schema)
    _incoming(metadata, schema)
    _repair(metadata, schema)
    _crashes(metadata, schema)
    notices_tables.add_to(metadata, schema)
    audit_tables.add_to(metadata, schema)
    commands_tables.add_to(metadata, schema)
    texts_tables.add_to(metadata, schema)
    timers_tables.add_to(metadata, schema)
    discarding_tables.add_to(metadata, schema)
    restore_tables.add_to(metadata, schema)
    api_keys_tables.add_to(metadata, schema)


def _streams(metadata: MetaData, schema: str) -> None:
    Table(
        "stream",
        metadata,
        Column("referral_id", Uuid, primary_key=True),
        Column("head", Integer, nullable=False, server_default="0"),
        Column("head_event_id", Uuid),
        Column("changed_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Index("stream_changed_at", "changed_at", "referral_id"),
        schema=schema,
        postgresql_with={"fillfactor": 70},
    )
    Table(
        "event_log",
        metadata,
        Column("id", Uuid, nullable=False),
        Column("referral_id", Uuid, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("type", Text, nullable=False),
        Column("causation_id", Uuid),
        Column("headers", JSON, nullable=False),
        Column("body", JSON, nullable=False),
        Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        PrimaryKeyConstraint("id"),
        Index("event_log_referral_seq", "referral_id", "seq"),
        schema=schema,
        postgresql_partition_by="RANGE (id)",
    )


def _outgoing(metadata: MetaData, schema: str) -> None:
    Table(
        "outbox",
        metadata,
        Column("n", BigInteger, Identity(always=True, cache=1), primary_key=True),
        Column("lane", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Uuid),
        Column("resend", Boolean, nullable=False, server_default="false"),
        Index("outbox_order", "resend", "n"),
        Index("outbox_event", "event_id"),
        Index("outbox_again", "topic", "key", postgresql_where=text("resend")),
        schema=schema,
        # It is emptied as fast as it fills: dead rows must go at once, or every look reads them.
        postgresql_with={"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_threshold": 2000},
    )
    Table(
        "unsendable",
        metadata,
        Column("n", BigInteger, primary_key=True),
        Column("lane", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("event_id", Uuid),
        Column("reason", Text, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        schema=schema,
    )
    Table(
        "broker_mark",
        metadata,
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("acknowledged", BigInteger, nullable=False),
        PrimaryKeyConstraint("topic", "partition"),
        schema=schema,
        postgresql_with={"fillfactor": 50},
    )
    Table(
        "broker_loss",
        metadata,
        Column("n", BigInteger, Identity(always=True), primary_key=True),
        Column("found_at", DateTime(timezone=True), nullable=False, server_default=NOW),
        Column("reason", Text, nullable=False),
        schema=schema,
    )


def _incoming(metadata: MetaData, schema: str) -> None:
    Table(
        "stream_pos",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("producer", Text, nullable=False),
        Column("referral_id", Uuid, nullable=False),
        Column("last", Integer, nullable=False),
        Column("last_event_id", Uuid),
        PrimaryKeyConstraint("referral_id", "consumer", "producer"),
        schema=schema,
        postgresql_with={"fillfactor": 70},
    )
    Table(
        "parked",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("producer", Text, nullable=False),
        Column("referral_id", Uuid, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("needs", Text, nullable=False, comment="positions still to be reached: intake:3,triage:5"),
        Column("headers", JSON, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        PrimaryKeyConstraint("referral_id", "consumer", "producer", "seq"),
        schema=schema,
    )
    Table(
        "quarantine",
        metadata,
        Column("n", BigInteger, Identity(always=True), primary_key=True),
        Column("consumer", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
        Column("sealed", LargeBinary, nullable=False, comment="key, headers and bytes as they came, encrypted"),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        Column("digest", LargeBinary, nullable=False, comment="of what came: a wiped log gives its places anew"),
        UniqueConstraint("consumer", "topic", "partition", "offset", "digest"),
        schema=schema,
    )


def _repair(metadata: MetaData, schema: str) -> None:
    Table(
        "lacking",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("producer", Text, nullable=False),
        Column("referral_id", Uuid, nullable=False),
        Column("upto", Integer, nullable=False),
        Column("state", Text, nullable=False, comment="in_flight, real or unrepairable"),
        Column("rounds", SmallInteger, nullable=False, server_default="0"),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        PrimaryKeyConstraint("referral_id", "consumer", "producer"),
        schema=schema,
    )
    Table(
        "comparison",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("producer", Text, nullable=False),
        Column("succeeded_at", DateTime(timezone=True)),
        Column("loss_seen", BigInteger, nullable=False, server_default="0"),
        Column("cluster_id", Text),
        Column("distrusted", Text, comment="why nothing more is applied from this producer"),
        Column("adopted", Integer, nullable=False, server_default="0", comment="its last restore that we followed"),
        Column("summed_at", DateTime(timezone=True), comment="when all streams were last compared by bucket sums"),
        PrimaryKeyConstraint("consumer", "producer"),
        schema=schema,
    )


def _crashes(metadata: MetaData, schema: str) -> None:
    Table(
        "worker_run",
        metadata,
        Column("worker", Text, primary_key=True),
        Column("run", Uuid, nullable=False, comment="of the process that has not ended in order, or still runs"),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        schema=schema,
    )
    Table(
        "crash_suspect",
        metadata,
        Column("consumer", Text, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("worker", Text, nullable=False),
        Column("in_hand", Boolean, nullable=False),
        Column("deaths", SmallInteger, nullable=False, server_default="0"),
        Column("since", DateTime(timezone=True), nullable=False, server_default=NOW),
        PrimaryKeyConstraint("consumer", "event_id"),
        schema=schema,
    )


def functions(schema: str) -> tuple[str, ...]:
    """`open_streams`: missing rows, then the locks in id order, then what a gate needs, in one round trip;
    `open_positions`: the same for a projection, which has positions to lock and nothing else: of each referral the
    one of the producer `held`.

    `add_log_partitions` lets the serving role have next months' partitions without owning the table.
    """
    return (
        f"""
        CREATE OR REPLACE FUNCTION {schema}.open_streams(who text, ids uuid[])
        RETURNS TABLE (referral_id uuid, head integer, head_event_id uuid, producer text, last integer,
                       last_event_id uuid, has_parked boolean, now_is timestamptz)
        LANGUAGE plpgsql VOLATILE AS $$
        #variable_conflict use_column
        BEGIN
            INSERT INTO {schema}.stream (referral_id) SELECT id FROM unnest(ids) AS id ORDER BY id
                ON CONFLICT DO NOTHING;
            PERFORM 1 FROM {schema}.stream s WHERE s.referral_id = ANY (ids) ORDER BY s.referral_id FOR UPDATE;
            RETURN QUERY
            SELECT s.referral_id, s.head, s.head_event_id, p.producer, p.last, p.last_event_id,
                   EXISTS (SELECT 1 FROM {schema}.parked k WHERE k.referral_id = s.referral_id AND k.consumer = who),
                   clock_timestamp()
            FROM {schema}.stream s
            LEFT JOIN LATERAL (  -- OFFSET 0 pins it to look-ups: a join planned on empty tables reads all positions
                SELECT producer, last, last_event_id FROM {schema}.stream_pos
                WHERE stream_pos.referral_id = s.referral_id AND consumer = who OFFSET 0) p ON true
            WHERE s.referral_id = ANY (ids);
        END $$
        """,
        f"""
        CREATE OR REPLACE FUNCTION {schema}.open_positions(who text, held text, ids uuid[])
        RETURNS TABLE (referral_id uuid, producer text, last integer, last_event_id uuid, has_parked boolean,
                       now_is timestamptz)
        LANGUAGE plpgsql VOLATILE AS $$
        #variable_conflict use_column
        BEGIN
            INSERT INTO {schema}.stream_pos (referral_id, consumer, producer, last)
                SELECT id, who, held, 0 FROM unnest(ids) AS id ORDER BY id ON CONFLICT DO NOTHING;
            PERFORM 1 FROM {schema}.stream_pos s WHERE s.referral_id = ANY (ids) AND s.consumer = who
                AND s.producer = held ORDER BY s.referral_id FOR UPDATE;
            RETURN QUERY
            SELECT s.referral_id, s.producer, s.last, s.last_event_id,
                   EXISTS (SELECT 1 FROM {schema}.parked k WHERE k.referral_id = s.referral_id AND k.consumer = who),
                   clock_timestamp()
            FROM {schema}.stream_pos s WHERE s.referral_id = ANY (ids) AND s.consumer = who;
        END $$
        """,
        f"CREATE INDEX IF NOT EXISTS outbox_again ON {schema}.outbox (topic, key) WHERE resend",
        f"""
        CREATE OR REPLACE FUNCTION {schema}.add_log_partitions(names text[], lows uuid[], highs uuid[])
        RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema} AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtext('{schema}.add_log_partitions'));
            FOR i IN 1 .. cardinality(names) LOOP
                IF to_regclass(format('{schema}.%I', names[i])) IS NULL THEN
                    BEGIN
                        EXECUTE format('CREATE TABLE {schema}.%I PARTITION OF {schema}.event_log
                                        FOR VALUES FROM (%L) TO (%L)', names[i], lows[i], highs[i]);
                    EXCEPTION WHEN check_violation THEN
                        NULL; -- the default partition holds rows of that month: the worker raises the alarm
                    END;
                END IF;
            END LOOP;
        END $$
        """,
        f"CREATE TABLE IF NOT EXISTS {schema}.event_log_default PARTITION OF {schema}.event_log DEFAULT",
        *restore_tables.functions(schema),
    )


def add_partitions_call(schema: str, today: datetime) -> tuple[str, list[str], list[str], list[str]]:
    """The statement and its arguments that give event_log this month's partition and three more.

    An event id is a UUIDv7 and sorts by time, so a month is a range of ids.
    """
    starts = [_month(today, ahead) for ahead in range(PARTITIONS_AHEAD + 2)]
    names = [f"event_log_{start:%Y_%m}" for start in starts[:-1]]
    borders = [str(id_at(start)) for start in starts]
    return f"SELECT {schema}.add_log_partitions($1, $2::uuid[], $3::uuid[])", names, borders[:-1], borders[1:]


def _month(today: datetime, ahead: int) -> datetime:
    months = today.year * 12 + today.month - 1 + ahead
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
