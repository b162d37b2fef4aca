"""Public events in: what others state about a referral that intake must act on, and what sources say on their topic.
Of the rest of what services state positions move, no more; the rest of what sources say is refused.
"""

from collections.abc import Awaitable, Callable

from chassis.delivery import Contracts, Handlers
from chassis.delivery.outsiders import CREDENTIAL, OutsideRecord, RecordRefused
from pydantic import ValidationError
from referral_schemas import followup, mediation, triage
from referral_schemas.police import MilestoneConfirmed
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of

from intake_svc.domain.feedback import Milestone, SourceProfiles
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.confirm_by_topic import ConfirmMilestone
from intake_svc.use_cases.milestones import reach

SERVICE = "intake"
SOURCES_TOPIC = "police.calls.v1"

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("triage", "mediation", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)


def handlers(profiles: SourceProfiles) -> Handlers:
    """All of them tell the source; an ending with the police brings the call back to them."""

    def on_referral_signed(event: triage.ReferralSigned, work: IntakeWork) -> None:
        reach(Milestone.SIGNED, work, at=event.signed_at, profiles=profiles)

    def on_case_accepted(event: mediation.CaseAccepted, work: IntakeWork) -> None:
        reach(Milestone.ACCEPTED, work, at=event.accepted_at, profiles=profiles)

    def on_agreement_effective(event: mediation.AgreementEffective, work: IntakeWork) -> None:
        reach(Milestone.RESULT, work, at=event.effective_at, profiles=profiles, outcome="agreement_effective")

    def on_case_terminated(event: mediation.CaseTerminated, work: IntakeWork) -> None:
        reach(Milestone.RESULT, work, at=work.stated_at, profiles=profiles, outcome=event.reason)

    def on_referral_ended(event: triage.ReferralEnded, work: IntakeWork) -> None:
        came_back = event.hop if event.end is triage.End.BACK_TO_POLICE else None
        reach(
            Milestone.RESULT,
            work,
            at=work.stated_at,
            profiles=profiles,
            outcome=event.end.value,
            back_to_police_on_hop=came_back,
        )

    def on_referral_closed(event: followup.ReferralClosed, work: IntakeWork) -> None:
        reach(Milestone.CLOSED, work, at=event.closed_at, profiles=profiles, outcome=event.outcome)

    return {
        triage.ReferralSigned: on_referral_signed,
        triage.ReferralEnded: on_referral_ended,
        mediation.CaseAccepted: on_case_accepted,
        mediation.AgreementEffective: on_agreement_effective,
        mediation.CaseTerminated: on_case_terminated,
        followup.ReferralClosed: on_referral_closed,
    }


async def on_source_record(record: OutsideRecord, confirm: Callable[[ConfirmMilestone], Awaitable[None]]) -> None:
    """Raises RecordRefused."""
    if record.headers.get("ce_type") != MilestoneConfirmed.TYPE:
        raise RecordRefused("unknown_type")
    try:
        said = MilestoneConfirmed.parse(record.body)
    except ValidationError:
        raise RecordRefused("body_malformed") from None
    if record.key != f"{said.source}/{said.call_no}":
        raise RecordRefused("key_of_another_call")
    scheme, _, given = record.headers.get(CREDENTIAL, "").partition(" ")
    credential = given.strip() if scheme.lower() == "bearer" else None
    milestone = Milestone(said.milestone)
    await confirm(ConfirmMilestone(said.source, said.call_no, milestone, said.version, credential, record.place))
