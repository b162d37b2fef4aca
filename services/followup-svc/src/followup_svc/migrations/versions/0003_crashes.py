"""Which events were in hand when a worker died, and which of its runs have not ended in order."""

from alembic import op
from followup_svc.store.tables import metadata

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Finds a fresh database, where 0001 has made everything, as well as one that an earlier release made."""
    metadata.create_all(op.get_bind())
