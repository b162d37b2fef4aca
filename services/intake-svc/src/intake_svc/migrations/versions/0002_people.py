"""What people decide: blocks, feedback, clocks, and the columns of a call that they change."""

from alembic import op
from chassis.delivery.tables import functions
from intake_svc.store.tables import SCHEMA, SCOPE_OF_STATION, WAITS_FOR_PEOPLE, metadata

revision = "0002"
down_revision = "0001"

_COLUMNS = (
    f"scope_path text GENERATED ALWAYS AS ({SCOPE_OF_STATION}) STORED",
    "people_version integer NOT NULL DEFAULT 1",
    "errand text CONSTRAINT call_errand CHECK (errand IN ('refer', 'link', 'warn', 'recheck'))",
    "errand_version integer",
    "errand_link_to uuid",
    "decided jsonb",
    "hop integer NOT NULL DEFAULT 0",
    "told integer NOT NULL DEFAULT 0",
)
_INDEXES = (
    "call_errand ON {schema}.call (received_at, call_id) WHERE errand IS NOT NULL",
    f"call_waits_for_people ON {{schema}}.call (call_id) WHERE {WAITS_FOR_PEOPLE}",
)


def upgrade() -> None:
    """Finds a fresh database, where 0001 has made everything, as well as one that an earlier release made."""
    connection = op.get_bind()
    for column in _COLUMNS:
        connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.call ADD COLUMN IF NOT EXISTS {column}")
    for index in _INDEXES:
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {index.format(schema=SCHEMA)}")
    metadata.create_all(connection)
    for statement in functions(SCHEMA):
        connection.exec_driver_sql(statement)
