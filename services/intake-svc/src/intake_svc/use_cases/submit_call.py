"""POST of a call: on disk before the answer, the same answer for the same call however often and however parallel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import asyncpg
from chassis.database_errors import retrying
from chassis.delivery import Units
from chassis.failpoints import failpoint
from chassis.ids import new_id, new_tracking_code

from intake_svc.domain.call import CallState
from intake_svc.domain.submission import Standing, Submission, differing_fields, standing
from intake_svc.store.submissions import (
    KnownCall,
    NewIds,
    advance,
    confirm,
    find_call,
    insert_call,
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


class SubmitCall:
    def __init__(self, units: Units[IntakeWork], vault: Vault, *, make_ids: Callable[[], NewIds] = new_ids) -> None:
        self._units, self._vault, self._make_ids = units, vault, make_ids

    async def __call__(self, new: Submission) -> Accepted:
        """Raises what the database raises; whoever gets no answer may send the same again."""
        try:
            inserted = await self._insert(new)
        except asyncpg.UniqueViolationError:  # a tracking code that is taken: once in many years, and the next is not
            inserted = await self._insert(new)
        return inserted if inserted is not None else await retrying(lambda: self._take_known(new))

    async def _insert(self, new: Submission) -> Accepted | None:
        ids = self._make_ids()
        sealed = self._vault.seal(ids.version_id, new.body)
        async with self._units.database.connection() as connection:
            failpoint("submit.before_commit")
            received_at = await insert_call(connection, new, ids, sealed)
        failpoint("submit.after_commit")
        if received_at is None:
            return None
        return Accepted(
            Answer.NEW, ids.call_id, 1, CallState.RECEIVED, ids.referral_id, ids.tracking_code, None, received_at
        )

    async def _take_known(self, new: Submission) -> Accepted:
        async with self._units.transaction() as connection:
            found = await find_call(connection, new.source, new.call_no)
            if found is None:  # seen by the insert a moment ago, and calls are never deleted
                raise LookupError("a call that was there is gone")
            call_id, referral_id = found
            await self._units.statements.open_streams(connection, [referral_id])
            known = await read_known(connection, call_id)
            return await self._decide(connection, known, new)

    async def _decide(self, connection: asyncpg.Connection, known: KnownCall, new: Submission) -> Accepted:
        match standing(known.held, new):
            case Standing.REPEAT:
                return _accepted(Answer.REPEAT, known)
            case Standing.CONFIRMED:
                await confirm(connection, known.call_id, new.updated_at)
                return _accepted(Answer.REPEAT, known)
            case Standing.NEWER:
                version_id = new_id()
                sealed = self._vault.seal(version_id, new.body)
                version = await advance(connection, known, new, version_id=version_id, sealed=sealed)
                return _accepted(Answer.NEXT_VERSION, known, version=version)
            case Standing.OLDER:
                await self._keep(connection, known, new, kind="older")
                return _accepted(Answer.SUPERSEDED, known)
            case Standing.CONFLICT:
                await self._keep(connection, known, new, kind="conflict")
                sealed = await read_sealed(connection, known.version_id)
                fields = differing_fields(self._vault.open(known.version_id, sealed), new.fields)
                return _accepted(Answer.CONFLICT, known, conflicting_fields=tuple(fields))

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
