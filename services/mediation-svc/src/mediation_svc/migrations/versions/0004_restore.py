"""What tells a restored database from its own past: fingerprint, who was heard, what others' events are known."""

from alembic import op
from chassis.delivery.tables import functions
from mediation_svc.store.tables import SCHEMA, metadata
from sqlalchemy.schema import CreateColumn

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    for column in metadata.tables[f"{SCHEMA}.comparison"].columns:
        added = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.comparison ADD COLUMN IF NOT EXISTS {added}")
    for statement in functions(SCHEMA):
        connection.exec_driver_sql(statement)
