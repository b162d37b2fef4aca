"""A unit of work of triage in memory: the shipped rules, the sample directory, one referral in the state wanted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from chassis.delivery.gate import ReferralGate
from chassis.ids import new_id
from chassis.sealing import Keyring
from chassis.workdays import load_calendar
from referral_schemas.envelope import PublicEvent
from triage_svc.cli import sample_directory
from triage_svc.domain.directory import Directory
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Party, Referral, ReferralId, Verdict
from triage_svc.domain.states import ENDED, State
from triage_svc.publishing import PUBLISH
from triage_svc.rules.loading import Rulebook, load_rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.directory_file import read_directory_file
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import keep, start_office_clocks, wait_for_answer, wait_for_dispatcher

THURSDAY = datetime(2026, 3, 5, 4, tzinfo=UTC)  # noon in Shanghai, a working day
REFERRAL = ReferralId(UUID("01997b3c-6c80-7b1d-a2c3-d4e5f6071829"))
OFFICE, OTHER_OFFICE = "310109010-SFS", "310109011-SFS"
DISPATCHER = Person("d-1", frozenset({"dispatcher"}), "31/310109")
SUPERVISOR = Person("s-1", frozenset({"bureau_supervisor"}), "31/310109")
CALENDAR = load_calendar()
KEYRING = Keyring.parse('{"active": "k1", "keys": {"k1": "' + "A" * 43 + '="}}')
PARTIES = (Party(UUID(int=1), "applicant"), Party(UUID(int=2), "respondent"))


@cache
def rules() -> Rulebook:
    return load_rulebook()


@cache
def directory() -> Directory:
    return read_directory_file(sample_directory()).directory()


def a_work(*, at: datetime = THURSDAY) -> TriageWork:
    """A command is under way: what it states has one cause."""
    current = CurrentDirectory()
    current.value = directory()
    work = TriageWork(at, rules=rules(), current=current, publish=PUBLISH, calendar=CALENDAR)
    work.keyring = KEYRING
    work.gates = {REFERRAL: ReferralGate(REFERRAL)}
    work.begin_command(new_id())
    return work


def a_referral(state: State, *, grade: str = "yellow", **changes: Any) -> Referral:
    """As it would have come to that state."""
    was_placed = state not in (State.OPENED, State.UNDER_REVIEW, State.BLOCKED)
    referral = Referral(
        REFERRAL,
        state,
        Verdict("neighbour", grade, needs_review=False),
        responsible_code="310109-ZHZX",
        opened_at=THURSDAY,
        scope_path="31/310109",
    )
    if was_placed:
        referral = replace(
            referral,
            office_code=OFFICE,
            hop=1,
            dispatched_at=THURSDAY,
            scope_path="31/310109/310109010",
            parties=PARTIES if state in {*ENDED, State.CONTACTED} else (),
        )
    if state is State.RETURN_REQUESTED:
        referral = replace(referral, came_from=State.SIGNED, returned=replace(referral.returned, count=1))
    return replace(referral, **changes)


def holding(referral: Referral, *, at: datetime = THURSDAY) -> TriageWork:
    """A work that has loaded this referral, with the clocks that run in its state."""
    work = a_work(at=referral.dispatched_at or referral.opened_at)
    if referral.hop:
        start_office_clocks(referral, work)
    if referral.state is State.RETURN_REQUESTED:
        wait_for_answer(referral, work)
    if referral.waits_for_dispatcher:
        wait_for_dispatcher(referral, work)
    keep(referral, work)
    work.keep()
    work.numbered.clear()
    work.now = at
    work.counted.clear()
    work.begin_command(new_id())
    return work


def stated(work: TriageWork) -> Sequence[PublicEvent]:
    """What this work has stated so far, in order."""
    work.keep()
    return [numbered.recorded.model for numbered in work.numbered]  # type: ignore[misc]


def names(work: TriageWork) -> list[str]:
    return [type(event).__name__ for event in stated(work)]


def now_of(work: TriageWork) -> Referral:
    return work.referrals.get(REFERRAL)
