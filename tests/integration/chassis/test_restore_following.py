"""What becomes of things that already stood under old numbers when a restored producer is adopted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from chassis.delivery.peers import NewNumber, Peers
from chassis.delivery.restore_adopting import Adoption
from chassis.delivery.restore_following import Following
from chassis.delivery.restore_numbers import Claim
from chassis.ids import new_id
from structlog.testing import capture_logs
from support.toys import Pinged, Toy, Toys, toys

PARK = """
    INSERT INTO {schema}.parked
        (consumer, producer, referral_id, seq, event_id, type, reason, detail, needs, headers, body)
    VALUES ('acting', $1, $2, $3, $4, 'cn.toy.ping.pinged.v1', $5, '', '', $6::text::json, '')
"""


@pytest.fixture
async def pair(database: str, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, "127.0.0.1:1", tmp_path) as made:
        yield made


class Telling:
    """A producer that has given these new numbers."""

    def __init__(self, numbers: Sequence[NewNumber]) -> None:
        self._numbers = numbers

    async def renumbered(self, _: str, *, since: int) -> list[NewNumber]:
        return list(self._numbers) if since == 0 else []


async def run(toy: Toy, statement: str, *arguments: Any) -> None:
    async with toy.database.connection() as connection:
        await connection.execute(statement, *arguments)


async def stands_at(toy: Toy, referral_id: UUID, last: int, event_id: UUID) -> None:
    await run(toy, f"INSERT INTO {toy.service}.stream (referral_id) VALUES ($1)", referral_id)
    positions = f"INSERT INTO {toy.service}.stream_pos VALUES ('acting', 'ping', $1, $2, $3)"
    await run(toy, positions, referral_id, last, event_id)


async def parked(toy: Toy, referral_id: UUID, seq: int, event_id: UUID, reason: str, after: str = "") -> None:
    headers = f'{{"ce_after": "{after}"}}'
    await run(toy, PARK.format(schema=toy.service), "ping", referral_id, seq, event_id, reason, headers)


async def follows(pong: Toy, *numbers: NewNumber) -> None:
    await run(
        pong, "INSERT INTO pong.comparison (consumer, producer, distrusted) VALUES ('acting', 'ping', 'restored')"
    )
    following = Following(cast(Peers, Telling(numbers)), pong.database, "pong", "acting")
    await following.follow("ping", 0, 1)
    assert await pong.value("SELECT adopted = 1 AND distrusted IS NULL FROM pong.comparison")


async def parked_in(toy: Toy) -> Any:
    return await toy.value(f"SELECT array_agg(seq || ' ' || reason ORDER BY seq) FROM {toy.service}.parked")


async def test_an_event_applied_under_its_old_number_is_not_applied_again_and_the_hole_is_told(pair: Toys) -> None:
    referral_id, event_id = new_id(), new_id()
    await stands_at(pair.pong, referral_id, 6, event_id)
    with capture_logs() as lines:
        await follows(pair.pong, NewNumber(event_id, referral_id, 6, 106))
    assert "stream_skipped_lost_events" in [line["event"] for line in lines]
    assert await pair.pong.value("SELECT last FROM pong.stream_pos WHERE referral_id = $1", referral_id) == 106


async def test_what_is_parked_under_an_old_number_goes_and_what_it_blocked_has_its_turn(pair: Toys) -> None:
    """The new event comes again under its new number; the old one under 107 is the true one."""
    referral_id, old, new, newer = (new_id() for _ in range(4))
    await stands_at(pair.pong, referral_id, 105, old)
    await parked(pair.pong, referral_id, 105, new, "conflict")
    await parked(pair.pong, referral_id, 107, old, "conflict")
    with capture_logs():
        await follows(pair.pong, NewNumber(new, referral_id, 105, 108), NewNumber(newer, referral_id, 107, 109))
    assert await parked_in(pair.pong) == ["107 waiting"]
    assert await pair.pong.value("SELECT last FROM pong.stream_pos WHERE referral_id = $1", referral_id) == 105


async def test_others_answers_to_lost_events_have_their_turn_when_the_head_has_come_up_to_them(pair: Toys) -> None:
    ping, referral_id = pair.ping, new_id()
    async with ping.units.begin([referral_id]) as work:
        work.record(referral_id, Pinged(n=1))
    await parked(ping, referral_id, 2, new_id(), "conflict", after="ping:3")
    await parked(ping, referral_id, 3, new_id(), "conflict", after="ping:9")
    adoption = Adoption(ping.database, "ping", ping.contracts.topic, "cn.toy.ping")
    await adoption.refuse("a test")
    await adoption.adopt([Claim(referral_id, 4, new_id(), "pong")])
    assert await parked_in(ping) == ["2 waiting", "3 conflict"]
    assert await ping.value("SELECT head FROM ping.stream WHERE referral_id = $1", referral_id) == 4


async def test_numbers_in_the_log_stand_but_while_a_restore_is_being_adopted(pair: Toys) -> None:
    ping, referral_id = pair.ping, new_id()
    async with ping.units.begin([referral_id]) as work:
        event_id = work.record(referral_id, Pinged(n=1))
    await Adoption(ping.database, "ping", ping.contracts.topic, "cn.toy.ping").adopt([])
    with pytest.raises(Exception, match="only while a restore is being adopted"):
        await run(ping, "SELECT ping.renumber_events($1, $2)", [event_id], [7])
