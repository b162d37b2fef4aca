"""One way for every command on a call: found, its streams locked, in sight, at the version seen; then the act."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from chassis.auth import Caller
from chassis.commands import Answer, Asked, Commands
from chassis.database import Database
from chassis.database_errors import DatabaseBusy
from chassis.problems import Problem
from fastapi import Response

from intake_svc.api.access import require_own_source, require_sight
from intake_svc.api.desk_models import CallDecided
from intake_svc.domain.blocks import standing
from intake_svc.domain.call import Call
from intake_svc.domain.decisions import DecisionRules
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.queries import CallStreams, find_streams

Act = Callable[[Call, IntakeWork], Answer]
_TRIES = 5


class StreamsMoved(Exception):
    """The call has come to belong to another referral since its streams were chosen: choose again."""


class Desk:
    def __init__(self, commands: Commands[IntakeWork], database: Database, wake_worker: Callable[[], None]) -> None:
        self._commands, self._database, self._wake_worker = commands, database, wake_worker

    async def run(
        self, asked: Asked, action: str, place: tuple[str, str], act: Act, *, also: UUID | None = None
    ) -> Response:
        """`place` is (source, call_no); `also` a referral that the act speaks of. Raises the problems and refusals."""
        if "source_system" in asked.by.roles:
            require_own_source(asked.by, place[0])
        for _ in range(_TRIES):
            async with self._database.connection() as connection:
                streams = await required_streams(connection, *place)
            try:
                answer = await self._try(asked, action, streams, act, also)
            except StreamsMoved:
                continue
            self._wake_worker()
            return answer
        raise DatabaseBusy("the call joined one referral after another")

    async def _try(self, asked: Asked, action: str, streams: CallStreams, act: Act, also: UUID | None) -> Response:
        locked = [streams.own, *sorted(streams.others | ({also} if also else set()) - {streams.own})]

        def version(work: IntakeWork) -> int | None:
            call = _call(work, streams.own)
            require_sight(asked.by, {"source": call.source, "scope_path": work.scope_of(call.call_id)})
            if not speaking_in(call, work) <= set(locked):
                raise StreamsMoved
            return call.people_version

        return await self._commands.run(
            asked, action, locked, version=version, act=lambda work: act(_call(work, streams.own), work)
        )


async def required_streams(connection: asyncpg.Connection, source: str, call_no: str) -> CallStreams:
    streams = await find_streams(connection, source, call_no)
    if streams is None:
        raise call_not_found()
    return streams


def speaking_in(call: Call, work: IntakeWork) -> set[UUID]:
    """Every stream in which a fact about this call may have to stand."""
    halted = {block.halts for block in standing(work.blocks_of(call.call_id)) if block.halts}
    return {one for one in (call.speaks_in, *halted) if one is not None}


def decided(call: Call, work: IntakeWork, *, status: int = 200) -> Answer:
    """The call as it is now, with its new ETag."""
    blocks = sorted({block.code for block in standing(work.blocks_of(call.call_id))})
    return Answer(CallDecided.of(call, blocks), call.people_version, status)


def require_offered(rules: DecisionRules, what: str, reason: str) -> None:
    """Raises a 422 problem that lists what is offered."""
    if reason not in rules.reasons_for(what):
        raise not_offered("reason", rules.reasons_for(what))


def not_offered(field: str, offered: Any) -> Problem:
    return Problem(
        422,
        "not_offered",
        "所填代码不在可选范围内。",
        "That code is not among those offered.",
        field=field,
        offered=sorted(offered),
    )


def call_not_found() -> Problem:
    return Problem(404, "call_not_found", "没有这个接警单。", "There is no such call.")


def role_of(by: Caller, *roles: str) -> str:
    """The first of these that the caller has; `command` has seen to it that there is one."""
    return next(role for role in roles if role in by.roles)


def _call(work: IntakeWork, own: UUID) -> Call:
    call = work.call_of(own)
    if call is None:
        raise call_not_found()
    return call
