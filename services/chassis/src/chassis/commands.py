"""What people and systems ask to be done: once each, on the version they have seen, with a trace of who asked."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from fastapi import Response

from chassis import audit
from chassis.commands_answers import Answer, Answered, KeptAnswers, KeyTaken
from chassis.commands_headers import Asked, command, etag, if_match_missing
from chassis.database import Database
from chassis.database_errors import DatabaseBusy, retrying
from chassis.delivery.units import Units
from chassis.delivery.work import Work
from chassis.failpoints import failpoint
from chassis.ids import new_id
from chassis.problems import Problem
from chassis.sealing import Keyring

__all__ = ["Answer", "Asked", "Commands", "PlainCommands", "command", "etag"]

W = TypeVar("W", bound=Work)
_ATTEMPTS = 3


class Commands(Generic[W]):
    """Commands on referrals. One transaction each: all of it stands, or nothing.

    Under a key that has been answered the same answer comes again, before the version is looked at. Refusals are
    not kept: what is refused now may be asked again under the same key.
    """

    def __init__(self, units: Units[W], schema: str) -> None:
        if units.keyring is None:
            raise ValueError("commands need units with a keyring: their answers are kept sealed")
        self._units, self._schema = units, schema
        self._answers = KeptAnswers(schema, units.keyring)

    async def run(
        self,
        asked: Asked,
        action: str,
        referral_ids: Sequence[UUID],
        *,
        version: Callable[[W], int | None],
        act: Callable[[W], Answer],
    ) -> Response:
        """`version` gives what people may change its number, None while there is nothing yet, and raises the 404 and
        403 problems; `act` works in memory and raises refusals. Both may be called again when the transaction must be.

        Events recorded in `act` have the command as their cause. Raises DatabaseBusy, CommitOutcomeUnknown.
        """

        async def attempt() -> Answered:
            async with self._units.transaction() as connection:
                work, _ = await self._units.lock(connection, referral_ids)
                if before := await self._answers.find(connection, asked):
                    return before
                check_version(asked, version(work))
                command_id = new_id()
                work.begin_command(command_id)
                answered = Answered.of(act(work))
                await self._units.finish(connection, work)
                await self._note(connection, asked, action, referral_ids, command_id, answered, work)
                await self._answers.keep(connection, asked, command_id, answered)
                failpoint("command.before_commit")
            self._units.committed(work)
            return answered

        return (await _settled(attempt)).response()

    async def _note(
        self,
        connection: asyncpg.Connection,
        asked: Asked,
        action: str,
        referral_ids: Sequence[UUID],
        command_id: UUID,
        answered: Answered,
        work: W,
    ) -> None:
        detail: dict[str, Any] = {
            "route": asked.route,
            "status": answered.status,
            "events": [str(event.recorded.event_id) for event in work.numbered],
        }
        if len(referral_ids) > 1:
            detail["referral_ids"] = [str(referral_id) for referral_id in referral_ids]
        await audit.note(
            connection, by=asked.by, action=action, subject=referral_ids[0] if referral_ids else None,
            request_id=asked.request_id, detail=detail, audit_id=command_id, schema=self._schema,
        )  # fmt: skip


class PlainCommands:
    """Commands that touch no referral: the same promises, on a bare connection."""

    def __init__(self, database: Database, schema: str, keyring: Keyring) -> None:
        self._database, self._schema = database, schema
        self._answers = KeptAnswers(schema, keyring)

    async def run(
        self,
        asked: Asked,
        action: str,
        subject: UUID | None,
        do: Callable[[asyncpg.Connection], Awaitable[Answer]],
        *,
        detail: dict[str, Any] | None = None,
    ) -> Response:
        """`do` works inside the transaction, locks what it changes, and may be called again."""

        async def attempt() -> Answered:
            async with self._database.transaction() as connection:
                if before := await self._answers.find(connection, asked):
                    return before
                answered = Answered.of(await do(connection))
                command_id = await audit.note(
                    connection, by=asked.by, action=action, subject=subject, request_id=asked.request_id,
                    detail={"route": asked.route, "status": answered.status, **(detail or {})}, schema=self._schema,
                )  # fmt: skip
                await self._answers.keep(connection, asked, command_id, answered)
                failpoint("command.before_commit")
            return answered

        return (await _settled(attempt)).response()


def check_version(asked: Asked, present: int | None) -> None:
    """Raises 428 when no version was named and 412 when another one is there now; nothing for what is only created."""
    if present is None or not asked.needs_version or asked.any_version:
        return
    if asked.if_match is None:
        raise if_match_missing()
    if asked.if_match != present:
        raise Problem(
            412,
            "changed_meanwhile",
            "他人已作修改：请重新读取，确认后以新的 ETag 再提交。",
            "Changed by somebody else meanwhile: read it again, and send what still holds with the new ETag.",
            headers={"ETag": etag(present)},
            version=present,
        )


async def _settled(attempt: Callable[[], Awaitable[Answered]]) -> Answered:
    for _ in range(_ATTEMPTS):
        try:
            return await retrying(attempt)
        except KeyTaken:
            continue  # the other one has committed: its answer is found now
    raise DatabaseBusy("the idempotency key is taken and yet not there")
