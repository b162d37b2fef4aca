"""The people's road: what 0001 may have made without, and the gate that stands in the database."""

from alembic import op
from chassis.delivery.tables import functions
from followup_svc.store.closing_gate import STATEMENTS
from followup_svc.store.tables import SCHEMA, metadata
from sqlalchemy import Column
from sqlalchemy.schema import CreateColumn, CreateIndex

revision = "0002"
down_revision = "0001"

_GROWN = ("noted", "watch")  # tables that 0001 made smaller than they are now
_BACKFILL = """
    UPDATE followup.noted SET grades = json_build_array(json_build_array(coalesce(opened_at, now()), grade))
    WHERE grade IS NOT NULL AND grades::text = '[]'
"""
_SCOPES = """
    UPDATE followup.watch
    SET scope_path = left(office_code, 2) || '/' || left(office_code, 6) || '/' || left(office_code, 9)
    WHERE scope_path = '' AND office_code ~ '^[0-9]{9}'
"""


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    for name in _GROWN:
        table = metadata.tables[f"{SCHEMA}.{name}"]
        for column in table.columns:
            connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.{name} ADD COLUMN IF NOT EXISTS {_definition(column)}")
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    for statement in (*functions(SCHEMA), *STATEMENTS, _BACKFILL, _SCOPES):
        connection.exec_driver_sql(statement)


def _definition(column: Column[object]) -> str:
    return str(CreateColumn(column).compile(dialect=op.get_bind().dialect))
