"""One call, for whoever may see it: asked for in the same way by every page of a call."""

import asyncpg
from chassis.auth import Caller

from intake_svc.api.access import require_own_source, require_sight
from intake_svc.api.desk import call_not_found
from intake_svc.use_cases.queries import CallView, find_call_view


async def call_seen_by(by: Caller, connection: asyncpg.Connection, source: str, call_no: str) -> CallView:
    """Raises 403 or 404. A system learns nothing of another source's numbers, not even which there are."""
    if "source_system" in by.roles:
        require_own_source(by, source)
    view = await find_call_view(connection, source, call_no)
    if view is None:
        raise call_not_found()
    require_sight(by, view.call)
    return view
