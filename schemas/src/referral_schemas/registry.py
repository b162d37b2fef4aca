"""Every event type the services know, by its CloudEvents type; and apart from them what outsiders are told, and say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from referral_schemas import followup, intake, mediation, triage
from referral_schemas.envelope import PublicEvent, dataschema_of, split_type
from referral_schemas.partners import LIFE_CYCLE, PartnerReferral, ReferralStatus
from referral_schemas.police import MilestoneConfirmed, MilestoneTold

MODELS: tuple[type[PublicEvent], ...] = (
    intake.ReferralOpened,
    intake.CallLinked,
    intake.CallCorrected,
    intake.CallWithdrawn,
    intake.BlockSet,
    intake.BlockLifted,
    intake.ReturnDecided,
    intake.ReferredAgain,
    intake.FeedbackDelivered,
    intake.FeedbackAcknowledged,
    intake.FeedbackFailed,
    intake.FeedbackWaived,
    intake.DeadlineSet,
    intake.DeadlineMet,
    intake.DeadlineBreached,
    triage.ReferralClassified,
    triage.ReferralReclassified,
    triage.GradeChanged,
    triage.ReferralDispatched,
    triage.ReferralSigned,
    triage.PartyContacted,
    triage.ReturnRequested,
    triage.ReturnRefused,
    triage.ReferralEnded,
    triage.HandedToMediation,
    triage.ReferralHalted,
    triage.DeadlineSet,
    triage.DeadlineMet,
    triage.DeadlineBreached,
    mediation.CaseOpened,
    mediation.CaseAccepted,
    mediation.MediatorAssigned,
    mediation.MeetingHeld,
    mediation.CaseSuspended,
    mediation.CaseResumed,
    mediation.AgreementReached,
    mediation.AgreementEffective,
    mediation.ObligationPerformed,
    mediation.ObligationBreached,
    mediation.BreachTold,
    mediation.CaseTerminated,
    mediation.CaseReopened,
    mediation.CaseFiled,
    mediation.EscalatedToPolice,
    mediation.ReferralHalted,
    mediation.DeadlineSet,
    mediation.DeadlineMet,
    mediation.DeadlineBreached,
    followup.WatchOpened,
    followup.PlanChanged,
    followup.VisitRecorded,
    followup.VisitWaived,
    followup.ReferralEscalated,
    followup.SupervisionOrdered,
    followup.SupervisionAnswered,
    followup.ReferralReopened,
    followup.ReferralClosed,
    followup.ReferralHalted,
    followup.DeadlineSet,
    followup.DeadlineMet,
    followup.DeadlineBreached,
)

EVENTS: Mapping[str, type[PublicEvent]] = MappingProxyType({model.TYPE: model for model in MODELS})


@dataclass(frozen=True)
class Notice:
    """A message to outsiders, or from them: no stream, no gate; ours are numbered per key by `version`."""

    event_type: str
    topic: str
    model: type[PublicEvent]
    means: str


NOTICES: Mapping[str, Notice] = MappingProxyType(
    {
        notice.event_type: notice
        for notice in (
            *(Notice(name, "referrals.v1", PartnerReferral, means) for name, means in LIFE_CYCLE.items()),
            Notice(ReferralStatus.TYPE, "referral-status.v1", ReferralStatus, ReferralStatus.MEANS),
            Notice(MilestoneTold.TYPE, "police.feedback.v1", MilestoneTold, MilestoneTold.MEANS),
        )
    }
)

INBOUND: Mapping[str, Notice] = MappingProxyType(
    {
        MilestoneConfirmed.TYPE: Notice(
            MilestoneConfirmed.TYPE, "police.calls.v1", MilestoneConfirmed, MilestoneConfirmed.MEANS
        )
    }
)


def service_of(event_type: str) -> str:
    """The service that states it; the type need not be known, ValueError when it is not one of ours."""
    return split_type(event_type)[0]


__all__ = ["EVENTS", "INBOUND", "MODELS", "NOTICES", "Notice", "dataschema_of", "service_of"]
