"""How every process of a service begins: its settings read once, its log and its failpoints set. And its migration."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import MetaData

from chassis import failpoints, logs
from chassis.settings import MigrateSettings, ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


def begin(kind: type[S], prefix: str, service: str, process: str, *, alarms: Sequence[str] = ()) -> S:
    """Raises SettingsError. `alarms` are the service's own, beside the chassis's."""
    logs.configure(f"{service}-{process}", alarms=alarms)  # first of all, so that no failure speaks as Python would
    settings = kind.load(prefix)
    logs.configure(f"{service}-{process}", settings.log_level, alarms=alarms)
    failpoints.configure(settings.failpoints_dir, f"{service}-{process}")
    return settings


def run_migration(prefix: str, service: str, metadata: MetaData) -> int:
    """The exit code. Raises SettingsError."""
    from chassis.migrate import migrate  # here: what serves would carry all of Alembic with it

    logs.configure(f"{service}-migrate")
    settings = MigrateSettings.load(prefix)
    logs.configure(f"{service}-migrate", settings.log_level)
    asyncio.run(migrate(settings, service, metadata))
    return 0
