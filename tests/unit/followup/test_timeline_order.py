"""The timeline reads causes before effects, and followup's own events come of all others."""

from __future__ import annotations

from followup_svc.events import CONTRACTS
from followup_svc.main import TIMELINE


def test_the_own_topic_is_read_behind_those_it_answers() -> None:
    producers = TIMELINE.contracts(CONTRACTS).producers
    assert list(producers.values()) == [*CONTRACTS.producers.values(), "followup"]
