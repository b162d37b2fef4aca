"""The one list of topics and the one of types, against tables typed by hand from CONTRACTS §1 and §5."""

from __future__ import annotations

import pytest
from referral_schemas.registry import EVENTS, dataschema_of, service_of
from referral_schemas.topics import TOPICS, topics_of

DAY = 24 * 60 * 60 * 1000
FOUR = ("intake", "triage", "mediation", "followup")
CONTRACT = {
    ("intake.v1", 12, "delete", 7 * DAY, ("intake",), FOUR),
    ("triage.v1", 12, "delete", 7 * DAY, ("triage",), FOUR),
    ("mediation.v1", 12, "delete", 7 * DAY, ("mediation",), FOUR),
    ("followup.v1", 12, "delete", 7 * DAY, ("followup",), FOUR),
    ("reference.v1", 1, "compact", None, ("triage",), FOUR),
    ("referrals.v1", 12, "delete", 30 * DAY, ("followup",), ("partners",)),
    ("referral-status.v1", 12, "compact", None, ("followup",), ("partners",)),
    ("police.calls.v1", 12, "delete", 3 * DAY, ("sources",), ("intake",)),
    ("police.receipts.v1", 12, "delete", 30 * DAY, ("intake",), ("sources",)),
    ("police.feedback.v1", 12, "delete", 30 * DAY, ("intake",), ("sources",)),
    ("intake.dlq.v1", 3, "delete", 30 * DAY, ("intake",), ("ops",)),
    ("triage.dlq.v1", 3, "delete", 30 * DAY, ("triage",), ("ops",)),
    ("mediation.dlq.v1", 3, "delete", 30 * DAY, ("mediation",), ("ops",)),
    ("followup.dlq.v1", 3, "delete", 30 * DAY, ("followup",), ("ops",)),
}


def test_the_topics_are_those_of_the_contract() -> None:
    listed = [(t.name, t.partitions, t.cleanup, t.retention_ms, t.written_by, t.read_by) for t in TOPICS]
    assert set(listed) == CONTRACT
    assert len(listed) == len(CONTRACT)


@pytest.mark.parametrize("service", FOUR)
def test_a_service_knows_all_four_streams_and_its_own_dead_letters_only(service: str) -> None:
    names = {topic.name for topic in topics_of(service)}
    assert {f"{name}.v1" for name in FOUR} <= names
    assert {name for name in names if ".dlq." in name} == {f"{service}.dlq.v1"}


def test_a_type_names_its_service_and_its_schema() -> None:
    assert service_of("cn.liandong.mediation.not_yet_known.v3") == "mediation"
    assert dataschema_of("cn.liandong.intake.call_linked.v1") == "urn:liandong:intake:call_linked:v1"


@pytest.mark.parametrize("stranger", ["", "intake", "cn.liandong.intake.v1", "cn.other.intake.call_linked.v1"])
def test_a_type_of_somebody_else_is_refused(stranger: str) -> None:
    with pytest.raises(ValueError, match="not an event type"):
        service_of(stranger)


def test_every_model_is_registered_under_its_own_type() -> None:
    assert all(event_type == model.TYPE for event_type, model in EVENTS.items())
    assert {service_of(event_type) for event_type in EVENTS} <= set(FOUR)
