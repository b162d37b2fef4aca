"""A source says on its topic that it has what it was told: once or again, for its own calls alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from chassis import audit
from chassis.auth import Caller
from chassis.database_errors import retrying
from chassis.delivery import Units
from chassis.delivery.outsiders import RecordRefused
from chassis.ids import new_id
from chassis.problems import Problem

from intake_svc.domain.errors import GuardRefused
from intake_svc.domain.feedback import Confirms, Milestone, SourceProfiles
from intake_svc.store.tables import SCHEMA
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.queries import find_streams
from intake_svc.use_cases.tell_source import confirm

WhoIs = Callable[[str | None], Awaitable[Caller]]


@dataclass(frozen=True, slots=True)
class ConfirmMilestone:
    """`version` is that of the record confirmed; `place` where the confirmation stood, for the audit trail."""

    source: str
    call_no: str
    milestone: Milestone
    version: int
    credential: str | None
    place: str


class ConfirmByTopic:
    """`who_is` tells whose key or token it is; raises a problem."""

    def __init__(self, units: Units[IntakeWork], who_is: WhoIs, profiles: SourceProfiles) -> None:
        self._units, self._who_is, self._profiles = units, who_is, profiles

    async def __call__(self, command: ConfirmMilestone) -> None:
        """Raises RecordRefused, with nothing done. Said again, nothing."""
        by = await self._sender(command)
        if self._profiles.confirms(command.source) is not Confirms.TOPIC:
            raise RecordRefused("confirms_otherwise")
        async with self._units.database.connection() as connection:
            streams = await find_streams(connection, command.source, command.call_no)
        if streams is None:
            raise RecordRefused("call_not_found")
        try:
            await retrying(lambda: self._confirm(command, by, streams.own))
        except GuardRefused as refused:
            raise RecordRefused(refused.code) from None

    async def _sender(self, command: ConfirmMilestone) -> Caller:
        """Whoever may write to the topic may write any name into a record: the key or token decides."""
        try:
            by = await self._who_is(command.credential)
        except Problem as problem:
            raise RecordRefused(problem.code) from None
        if by.source != command.source:
            raise RecordRefused("other_source")
        return by

    async def _confirm(self, command: ConfirmMilestone, by: Caller, referral_id: UUID) -> None:
        async with self._units.transaction() as connection:
            work, _ = await self._units.lock(connection, [referral_id])
            call = work.call_of(referral_id)
            if call is None:
                raise RecordRefused("call_not_found")
            command_id = new_id()
            work.begin_command(command_id)
            confirm(call, command.milestone, command.version, work)
            await self._units.finish(connection, work)
            if work.numbered:
                await audit.note(
                    connection, by=by, action="acknowledge_feedback", subject=referral_id, request_id=command.place,
                    detail={"events": [str(event.recorded.event_id) for event in work.numbered]},
                    audit_id=command_id, schema=SCHEMA,
                )  # fmt: skip
        self._units.committed(work)
