"""Whose area a referral belongs to, for the pages that chassis brings."""

from uuid import UUID

import asyncpg

from followup_svc.api.asking import not_watched
from followup_svc.store.reading import is_known, scope_of_referral


async def scope_of(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """None while nobody knows it. Raises the 404 problem of a referral that followup has never heard of."""
    scope = await scope_of_referral(connection, referral_id)
    if scope is None and not await is_known(connection, referral_id):
        raise not_watched()
    return scope
