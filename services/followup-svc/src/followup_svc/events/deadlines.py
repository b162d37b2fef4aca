"""Limits of other services: a breach becomes a reminder here, what is met or begins anew presses nobody."""

from collections.abc import Callable, Iterable

from chassis.delivery import Handlers
from referral_schemas.shared_facts import ClockSet, DeadlinePassed, DeadlinesMet, DeadlinesSet

from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.pressing import remind, settle


def deadline_handlers(
    producer: str, set_: type[DeadlinesSet], met: type[DeadlinesMet], breached: type[DeadlinePassed]
) -> Handlers:
    def on_deadline_set(event: DeadlinesSet, work: FollowupWork) -> None:
        begun(work, producer, event.clocks)

    def on_deadline_met(event: DeadlinesMet, work: FollowupWork) -> None:
        settle(work, work.subject, producer, [(clock.clock, clock.key) for clock in event.clocks])

    def on_deadline_breached(event: DeadlinePassed, work: FollowupWork) -> None:
        assert work.cause is not None
        remind(work, work.subject, producer, clock=event.clock, key=event.key, due_at=event.due_at, breach=work.cause)

    pairs: list[tuple[type[object], Callable[..., None]]] = [
        (set_, on_deadline_set), (met, on_deadline_met), (breached, on_deadline_breached),
    ]  # fmt: skip
    return dict(pairs)


def begun(work: FollowupWork, producer: str, clocks: Iterable[ClockSet]) -> None:
    """A limit that begins anew, as with another dispatch, ends what its last breach began."""
    settle(work, work.subject, producer, [(clock.clock, clock.key) for clock in clocks])
