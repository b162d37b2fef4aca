"""intake's unit of work: the calls a transaction changes, the parties it names, and facts on their way out."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from chassis.delivery import EventModel, Rows, Work

from intake_svc.domain.call import Call, CallId
from intake_svc.domain.facts import Party, PartyId
from intake_svc.store.calls import save_calls, save_parties

Publish = Mapping[type[Any], Callable[[Any], EventModel]]


class IntakeWork(Work):
    """Loads nothing by itself: no event of others changes a call yet, and use cases read what they decide upon."""

    def __init__(self, now: datetime, *, publish: Publish) -> None:
        super().__init__(now)
        self.calls: Rows[CallId, Call] = self.rows()
        self.parties: Rows[PartyId, tuple[CallId, Party]] = self.rows()
        self._publish = publish

    def tell(self, referral_id: UUID, fact: object, *, causation_id: UUID) -> None:
        """The fact goes out on this referral's stream, in the form that the publish map gives it."""
        self.record(referral_id, self._publish[type(fact)](fact), causation_id=causation_id)

    async def save(self, connection: asyncpg.Connection) -> None:
        await save_calls(connection, self.calls.changed().values())
        await save_parties(connection, self.parties.changed().values())
