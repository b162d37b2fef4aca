"""The delivery tables and intake's own."""

from datetime import UTC, datetime

from alembic import op
from chassis.delivery.tables import add_partitions_call, functions
from intake_svc.store.tables import SCHEMA, metadata
from sqlalchemy import text

revision = "0001"
down_revision = None


def upgrade() -> None:
    connection = op.get_bind()
    metadata.create_all(connection)
    for statement in functions(SCHEMA):
        connection.exec_driver_sql(statement)
    # The first months' partitions stand before the first event: one that went to the default partition would bar them.
    _, names, lows, highs = add_partitions_call(SCHEMA, datetime.now(UTC))
    call = text(
        f"SELECT {SCHEMA}.add_log_partitions(CAST(:names AS text[]), CAST(:lows AS uuid[]), CAST(:highs AS uuid[]))"
    )
    connection.execute(call, {"names": names, "lows": lows, "highs": highs})
