"""One transaction's work in memory: what a command or a handler stages is kept whole or forgotten whole."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from uuid import UUID

import pytest
from chassis.delivery.gate import ReferralGate
from chassis.delivery.work import RecordedTwice, Work
from chassis.ids import new_id
from chassis.sealing import CannotOpen, Keyring
from chassis.texts import place_of
from support.toys import Pinged, Ponged

KEYRING = Keyring("k1", {"k1": os.urandom(32)})
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_work(*referral_ids: UUID, keyring: Keyring | None = KEYRING) -> Work:
    work = Work(NOW, gates={one: ReferralGate(one) for one in referral_ids})
    work.keyring = keyring
    return work


def test_a_command_is_the_cause_of_what_it_records() -> None:
    referral, command_id = new_id(), new_id()
    work = a_work(referral)
    work.begin_command(command_id)
    work.record(referral, Pinged(n=1))
    work.record(referral, Ponged(n=1))
    work.keep()
    assert [event.recorded.causation_id for event in work.numbered] == [command_id, command_id]
    assert [event.seq for event in work.numbered] == [1, 2]


def test_one_cause_states_one_fact_of_a_referral_once() -> None:
    referral, other = new_id(), new_id()
    work = a_work(referral, other)
    work.begin_command(new_id())
    work.record(referral, Pinged(n=1))
    work.record(other, Pinged(n=1))
    work.record(referral, Pinged(n=2), causation_id=new_id())
    with pytest.raises(RecordedTwice):
        work.record(referral, Pinged(n=3))


def test_an_event_is_recorded_on_locked_streams_alone() -> None:
    with pytest.raises(KeyError):
        a_work(new_id()).record(new_id(), Pinged(n=1))


def test_a_text_is_sealed_and_bound_to_its_id() -> None:
    referral = new_id()
    work = a_work(referral)
    text_id = work.keep_text("note", "周五面谈")
    work.keep()
    (kept,) = work.texts
    assert (kept.text_id, kept.referral_id, kept.kind) == (text_id, referral, "note")
    assert KEYRING.open(kept.sealed, place_of(kept.text_id)).decode() == "周五面谈"
    with pytest.raises(CannotOpen):
        KEYRING.open(kept.sealed, place_of(new_id()))


def test_a_text_belongs_to_the_referral_named_the_subject_or_the_only_one() -> None:
    first, second = new_id(), new_id()
    work = a_work(first, second)
    work.keep_text("note", "甲", referral_id=second)
    with pytest.raises(ValueError, match="too many"):
        work.keep_text("note", "乙")
    work.begin_event(first, new_id(), None)
    work.keep_text("note", "丙")
    work.keep()
    assert [text.referral_id for text in work.texts] == [second, first]


def test_the_texts_of_a_handler_that_raised_are_forgotten() -> None:
    work = a_work(new_id())
    work.keep_text("note", "甲")
    work.forget()
    work.keep()
    assert work.texts == []


def test_without_a_keyring_no_text_is_taken() -> None:
    with pytest.raises(LookupError):
        a_work(new_id(), keyring=None).keep_text("note", "甲")
    assert a_work(new_id(), keyring=None).keep_text("note", "  ") is None
