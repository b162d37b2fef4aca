"""POST of a call: on disk before the answer, the same answer for the same call however often and however parallel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
from chassis.database_errors import retrying
from chassis.delivery import Units
from chassis.ids import new_id, new_tracking_code

from intake_svc.domain.call import CallState
from intake_svc.domain.facts import CallCorrected
from intake_svc.domain.submission import Standing, Submission, differing_fields, published_names, standing
from intake_svc.store.shared_insert import SharedInsert
from intake_svc.store.submissions import (
    KnownCall,
    NewIds,
    advance,
    confirm,
    find_call,
    is_kept,
    keep_aside,
    read_known,
    read_sealed,
)
from intake_svc.store.vault import Vault
from intake_svc.store.work import IntakeWork


class Answer(StrEnum):
    NEW = "new"
    NEXT_VERSION = "next_version"
    REPEAT = "repeat"
    SUPERSEDED = "superseded"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Accepted:
    answer: Answer
    call_id: UUID
    version: int
    state: str
    referral_id: UUID
    tracking_code: str
    linked_to: UUID | None
    received_at: datetime
    conflicting_fields: tuple[str, ...] = ()


def new_ids() -> NewIds:
    return NewIds(new_id(), new_id(), new_id(), new_tracking_code())


class _JoinedMeanwhile(Exception):
    """The call has joined a referral since its streams were chosen: that stream is needed too."""


class SubmitCall:
    """`published` are the names of the fields that a correction may name to others."""

    def __init__(
        self,
        units: Units[IntakeWork],
        vault: Vault,
        *,
        published: frozenset[str] = frozenset(),
        make_ids: Callable[[], NewIds] = new_ids,
    ) -> None:
        self._units, self._vault, self._published, self._make_ids = units, vault, published, make_ids
        self._insert_shared = SharedInsert(units.database)

    async def __call__(self, new: Submission) -> Accepted:
        """Raises what the database raises; whoever gets no answer may send the same again."""
        try:
            inserted = await self._insert(new)
        except asyncpg.UniqueViolationError:  # a tracking code that is taken: once in many years, and the next is not
            inserted = await self._insert(new)
        return inserted if inserted is not None else await retrying(lambda: self._take_known(new))

    async def _insert(self, new: Submission) -> Accepted | None:
        ids = self._make_ids()
        received_at = await self._insert_shared(new, ids, self._vault.seal(ids.version_id, new.body))
        if received_at is None:
            return None
        return Accepted(
            Answer.NEW, ids.call_id, 1, CallState.RECEIVED, ids.referral_id, ids.tracking_code, None, received_at
        )

    async def _take_known(self, new: Submission) -> Accepted:
        while True:
            try:
                return await self._take_locked(new)
            except _JoinedMeanwhile:
                continue

    async def _take_locked(self, new: Submission) -> Accepted:
        async with self._units.transaction() as connection:
            found = await find_call(connection, new.source, new.call_no)
            if found is None:  # seen by the insert a moment ago, and calls are never deleted
                raise LookupError("a call that was there is gone")
            streams = [found.referral_id, *([found.linked_to] if found.linked_to else [])]
            work, _ = await self._units.lock(connection, streams)
            known = await read_known(connection, found.call_id)
            if known.linked_to != found.linked_to:
                raise _JoinedMeanwhile
            accepted = await self._decide(connection, known, new, work)
            await self._units.finish(connection, work)
        self._units.committed(work)
        return accepted

    async def _decide(
        self, connection: asyncpg.Connection, known: KnownCall, new: Submission, work: IntakeWork
    ) -> Accepted:
        match standing(known.held, new):
            case Standing.REPEAT:
                return _accepted(Answer.REPEAT, known)
            case Standing.CONFIRMED:
                await confirm(connection, known.call_id, new.updated_at)
                return _accepted(Answer.REPEAT, known)
            case Standing.NEWER:
                return await self._advance(connection, known, new, work)
            case Standing.OLDER:
                await self._keep(connection, known, new, kind="older")
                return _accepted(Answer.SUPERSEDED, known)
            case Standing.CONFLICT:
                await self._keep(connection, known, new, kind="conflict")
                fields = await self._differing(connection, known, new)
                return _accepted(Answer.CONFLICT, known, conflicting_fields=tuple(fields))

    async def _advance(
        self, connection: asyncpg.Connection, known: KnownCall, new: Submission, work: IntakeWork
    ) -> Accepted:
        """Whoever handles the dispute already is told which fields changed; what they hold now, the desk shows."""
        call = work.call_of(known.referral_id)
        changed: list[str] = []
        if call is not None and call.speaks_in is not None:
            changed = await self._differing(connection, known, new)
        version_id = new_id()
        sealed = self._vault.seal(version_id, new.body)
        version = await advance(connection, known, new, version_id=version_id, sealed=sealed)
        if call is not None and call.speaks_in is not None:
            fact = CallCorrected(call, version, published_names(changed, self._published))
            work.tell(call.speaks_in, fact, causation_id=version_id)
            work.calls.put(call.call_id, call.to_be_rechecked(version))
        return _accepted(Answer.NEXT_VERSION, known, version=version)

    async def _differing(self, connection: asyncpg.Connection, known: KnownCall, new: Submission) -> list[str]:
        sealed = await read_sealed(connection, known.version_id)
        return differing_fields(self._vault.open(known.version_id, sealed), new.fields)

    async def _keep(self, connection: asyncpg.Connection, known: KnownCall, new: Submission, *, kind: str) -> None:
        if not await is_kept(connection, known.call_id, new):
            version_id = new_id()
            sealed = self._vault.seal(version_id, new.body)
            await keep_aside(connection, known.call_id, new, kind=kind, version_id=version_id, sealed=sealed)


def _accepted(
    answer: Answer, known: KnownCall, *, version: int | None = None, conflicting_fields: tuple[str, ...] = ()
) -> Accepted:
    return Accepted(
        answer,
        known.call_id,
        version or known.version,
        known.state,
        known.referral_id,
        known.tracking_code,
        known.linked_to,
        known.received_at,
        conflicting_fields,
    )
