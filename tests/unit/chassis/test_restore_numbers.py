"""What an adoption makes of one stream: lost numbers stay taken, what was written since the restore goes above them."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.delivery.restore_numbers import Claim, Own, Record, Renumbered, raise_stream
from chassis.ids import new_id
from hypothesis import given
from hypothesis import strategies as st

REFERRAL = new_id()


def events(first: int, how_many: int) -> list[Own]:
    return [Own(seq, new_id()) for seq in range(first, first + how_many)]


def known(some: Sequence[Own], by: str = "pong") -> list[Claim]:
    return [Claim(REFERRAL, one.seq, one.event_id, by) for one in some]


def test_a_stream_of_which_nobody_knows_more_stays_as_it_is() -> None:
    own = events(1, 5)
    assert raise_stream(own, known(own[:3])) is None
    assert raise_stream(own, []) is None


def test_new_events_below_what_a_consumer_knows_go_above_it_in_their_order() -> None:
    kept, lost = events(1, 5), events(6, 100)
    new = events(6, 2)
    raised = raise_stream([*kept, *new], known(lost[-1:]))
    assert raised is not None
    assert [one.seq for one in raised.lost] == list(range(6, 106))
    assert raised.lost[-1].event_id == lost[-1].event_id
    assert raised.renumbered == (Renumbered(new[0].event_id, 6, 106), Renumbered(new[1].event_id, 7, 107))
    assert (raised.head, raised.head_event_id) == (107, new[1].event_id)


def test_new_events_that_have_grown_past_what_was_lost_move_too() -> None:
    kept, lost = events(1, 2), events(3, 1)
    new = events(3, 4)
    raised = raise_stream([*kept, *new], known(lost))
    assert raised is not None
    assert [(one.was, one.seq) for one in raised.renumbered] == [(3, 4), (4, 5), (5, 6), (6, 7)]


def test_a_stream_that_is_wholly_lost_gets_its_head_back() -> None:
    lost = events(1, 3)
    raised = raise_stream([], known(lost[1:]))
    assert raised is not None
    assert (raised.head, raised.head_event_id, raised.renumbered) == (3, lost[2].event_id, ())
    assert [one.event_id == theirs.event_id for one, theirs in zip(raised.lost, lost, strict=True)] == [
        False, True, True,
    ]  # fmt: skip


def test_what_the_topic_still_has_comes_back_as_it_was() -> None:
    kept, lost = events(1, 1), events(2, 1)
    record = Record("cn.toy.ping.pinged.v1", None, "{}", '{"n": 2}')
    raised = raise_stream(kept, [*known(lost), Claim(REFERRAL, 2, lost[0].event_id, "topic", record)])
    assert raised is not None
    assert raised.lost[0].record == record
    assert raised.lost[0].known_by == "pong,topic"


def test_a_number_whose_event_was_given_up_is_above_what_came_after_anything_lost() -> None:
    kept, elsewhere = events(1, 2), new_id()
    new = events(3, 1)
    raised = raise_stream([*kept, *new], [Claim(REFERRAL, 9, None, "pong")], newest_lost=elsewhere)
    assert raised is not None
    assert [(one.was, one.seq) for one in raised.renumbered] == [(3, 10)]


@given(st.integers(0, 6), st.integers(1, 6), st.integers(0, 9), st.data())
def test_whatever_was_known_numbers_are_gap_free_and_nobodys_twice(
    kept: int, lost: int, new: int, data: st.DataObject
) -> None:
    before, gone = events(1, kept), events(kept + 1, lost)
    after = events(kept + 1, new)
    at = data.draw(st.lists(st.sampled_from(gone), min_size=1, unique=True))
    raised = raise_stream([*before, *after], known([*before, *at]))
    assert raised is not None
    top = max(one.seq for one in at)
    placed = [(one.seq, one.event_id) for one in before]
    placed += [(one.seq, one.event_id) for one in raised.lost]
    placed += [(one.seq, one.event_id) for one in raised.renumbered]
    assert [seq for seq, _ in placed] == list(range(1, top + new + 1))
    assert [one.event_id for one in raised.renumbered] == [one.event_id for one in after]
    assert {(one.seq, one.event_id) for one in at} <= set(placed)
    assert raise_stream([Own(*one) for one in placed], known([*before, *at])) is None
