"""The people's road: halts, clocks, audit, kept answers and texts; what a referral must know for it."""

from alembic import op
from chassis.delivery.tables import functions
from sqlalchemy.schema import CreateColumn, CreateIndex

from triage_svc.store.tables import SCHEMA, metadata, referral

revision = "0002"
down_revision = "0001"

# Until now an area stood in the decisions alone.
SCOPES = f"""
    UPDATE {SCHEMA}.referral r SET scope_path = d.scope_path
    FROM (SELECT DISTINCT ON (referral_id) referral_id, scope_path FROM {SCHEMA}.decision
          WHERE kind = 'route' ORDER BY referral_id, id DESC) d
    WHERE d.referral_id = r.referral_id AND r.scope_path = ''
"""


def upgrade() -> None:
    """May run on what 0001 made today or long ago: everything is added only where it is missing."""
    connection = op.get_bind()
    metadata.create_all(connection)
    for column in referral.columns:
        added = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {SCHEMA}.referral ADD COLUMN IF NOT EXISTS {added}")
    for index in referral.indexes:
        connection.execute(CreateIndex(index, if_not_exists=True))
    connection.exec_driver_sql(SCOPES)
    for statement in functions(SCHEMA):
        connection.exec_driver_sql(statement)
