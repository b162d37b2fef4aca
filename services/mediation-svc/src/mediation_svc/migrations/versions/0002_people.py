"""The people's road: cases, blocks, file numbers, clocks; and what a mirror must know for it."""

from alembic import op
from chassis.delivery.tables import functions
from mediation_svc.store.tables import SCHEMA, metadata, mirror
from sqlalchemy.schema import CreateColumn

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """May run on what 0001 made today or long ago: everything is added only where it is missing."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for column in mirror.columns:
        added = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.mirror ADD COLUMN IF NOT EXISTS {added}")
    for statement in functions(SCHEMA):
        connection.exec_driver_sql(statement)
