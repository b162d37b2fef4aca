"""What must stand there before the first example of each page that all services have can be taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from chassis.ids import new_id
from support.consumers import Consumer
from support.documented import Documented, Place, Ready, is_taken, operations_of
from support.tokens import Issuer


class OpsPlace(Place, Protocol):
    """`producer` is one that it listens to."""

    @property
    def service(self) -> str: ...

    @property
    def producer(self) -> str: ...

    async def rows(self, statement: str, *arguments: Any) -> Any: ...

    async def kept_text(self) -> UUID:
        """The id of something that somebody wrote."""
        ...


class OnConsumer:
    """What of it a consumer in this process gives."""

    consumer: Consumer

    @property
    def issuer(self) -> Issuer:
        return self.consumer.issuer

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        return await self.consumer.rows(statement, *arguments)


OpsWalk = Callable[[OpsPlace], Awaitable[Ready]]


async def _failed_event(place: OpsPlace) -> Ready:
    referral_id = new_id()
    await place.rows(f"INSERT INTO {place.service}.stream (referral_id) VALUES ($1) RETURNING 1", referral_id)
    await place.rows(
        f"""INSERT INTO {place.service}.parked
                (consumer, producer, referral_id, seq, event_id, type, reason, detail, needs, headers, body)
            VALUES ('acting', $1, $2, 1, $3, $4, 'failed', 'ValueError', '', '{{"ce_streamseq": "1"}}', '')
            RETURNING 1""",
        place.producer, referral_id, new_id(), f"cn.liandong.{place.producer}.something.v1",
    )  # fmt: skip
    return Ready({"producer": place.producer, "referral_id": str(referral_id), "seq": 1})


async def _lost_events(place: OpsPlace) -> Ready:
    referral_id = new_id()
    await place.rows(f"INSERT INTO {place.service}.stream (referral_id) VALUES ($1) RETURNING 1", referral_id)
    await place.rows(
        f"""INSERT INTO {place.service}.lacking (consumer, producer, referral_id, upto, state, rounds)
            VALUES ('acting', $1, $2, 2, 'unrepairable', 5) RETURNING 1""",
        place.producer, referral_id,
    )  # fmt: skip
    return Ready({"producer": place.producer, "referral_id": str(referral_id)})


async def _unreadable_record(place: OpsPlace) -> Ready:
    (row,) = await place.rows(
        f"""INSERT INTO {place.service}.quarantine (consumer, topic, partition, "offset", reason, sealed, digest)
            VALUES ('acting', $1, 0, 17, 'ce_subject', 'sealed', $2) RETURNING n""",
        f"{place.producer}.v1", new_id().bytes,
    )  # fmt: skip
    return Ready({"n": row["n"]})


async def _refused_record(place: OpsPlace) -> Ready:
    (row,) = await place.rows(
        f"""INSERT INTO {place.service}.unsendable (n, lane, topic, key, event_id, reason)
            SELECT coalesce(max(n), 0) + 1, 1, $1, 'k', $2, 'MessageSizeTooLargeError'
            FROM {place.service}.unsendable RETURNING n""",
        f"{place.service}.v1", new_id(),
    )  # fmt: skip
    return Ready({"n": row["n"]})


async def _clock_that_failed(place: OpsPlace) -> Ready:
    referral_id = new_id()
    await place.rows(
        f"""INSERT INTO {place.service}.timer
                (referral_id, clock, key, span, started_at, due_at, rule, calendar, state, silent)
            VALUES ($1, 'sign_for', '', '1wd', now(), now() + interval '9 years', 'r-1', 'none', 'failed', false)
            RETURNING 1""",
        referral_id,
    )  # fmt: skip
    return Ready({"referral_id": str(referral_id), "clock": "sign_for"})


async def _some_text(place: OpsPlace) -> Ready:
    return Ready({"text_id": str(await place.kept_text())})


async def _anything(_: OpsPlace) -> Ready:
    return Ready()


def _asked_to_discard(walk: OpsWalk, operation_id: str) -> OpsWalk:
    async def asked(place: OpsPlace) -> Ready:
        ready = await walk(place)
        (operation,) = [one for one in operations_of(place.service) if one.name == operation_id]
        await is_taken(place, operation, ready)
        return ready

    return asked


OPS: Mapping[str, OpsWalk] = {
    "readText": _some_text,
    "readStream": _anything,
    "resendEvents": _anything,
    "retryTimer": _clock_that_failed,
    "readParked": _failed_event,
    "retryParked": _failed_event,
    "discardParked": _failed_event,
    "confirmDiscardParked": _asked_to_discard(_failed_event, "discardParked"),
    "retryUnrepairable": _lost_events,
    "discardUnrepairable": _lost_events,
    "confirmDiscardUnrepairable": _asked_to_discard(_lost_events, "discardUnrepairable"),
    "discardQuarantined": _unreadable_record,
    "confirmDiscardQuarantined": _asked_to_discard(_unreadable_record, "discardQuarantined"),
    "retryUnsendable": _refused_record,
    "discardUnsendable": _refused_record,
    "confirmDiscardUnsendable": _asked_to_discard(_refused_record, "discardUnsendable"),
}


async def brought_to_it(
    place: OpsPlace, operation: Documented, walks: Mapping[str, Callable[[Any], Awaitable[Ready]]]
) -> Ready:
    """By the service's own walk, or the one of all services."""
    walk = {**OPS, **walks}.get(operation.name)
    if walk is None:
        assert not operation.needs_a_walk, f"{operation.name}: say in this file what must be there before its example"
        return Ready()
    return await walk(place)
