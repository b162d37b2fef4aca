"""How the rule files must look; what is wrong with one is said with its place before the service starts."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Reason = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Grade = Literal["blue", "yellow", "orange", "red"]
SpanText = Annotated[str, Field(min_length=2)]  # `chassis.workdays.Span` says what is one


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VisitShape(Shape):
    after: SpanText
    channel: Reason
    channels: dict[str, Reason] = {}
    mandatory: bool = True


class WeeklyShape(Shape):
    """In natural days from the anchor, as long as the grade stands."""

    first: Annotated[int, Field(alias="from", ge=1)]
    every: Annotated[int, Field(ge=1)]
    until: Annotated[int, Field(ge=1)]
    at: Annotated[str, Field(pattern=r"^[0-9]{2}:[0-9]{2}$")]
    channel: Reason


class RowShape(Shape):
    visits: Annotated[list[VisitShape], Field(min_length=1)]
    weekly_while_red: WeeklyShape | None = None


class ObligationShape(Shape):
    after: SpanText
    counted_from: Literal["due_date", "anchor"]
    channel: Reason


class PlanShape(Shape):
    version: Annotated[str, Field(min_length=1)]
    policy_document: str
    tries: Annotated[int, Field(ge=1)]
    next_try_after: SpanText
    recorded_within: SpanText
    grades: dict[Grade, RowShape]
    medical: RowShape
    ended: dict[Reason, RowShape]
    obligations: ObligationShape
    extension: VisitShape


class WaiverShape(Shape):
    needs_tries: bool


class EscalationShape(Shape):
    after: SpanText
    demo_after: SpanText
    top: Annotated[int, Field(ge=1)]


class ClosingShape(Shape):
    within: SpanText
    demo_within: SpanText
    retry_seconds: Annotated[float, Field(gt=0)]


class PartnersShape(Shape):
    small_areas: list[Annotated[str, Field(pattern=r"^[0-9]{6,9}$")]]
    small_categories: list[Reason]


class ConductShape(Shape):
    version: Annotated[str, Field(min_length=1)]
    waivers: dict[Reason, WaiverShape]
    escalations: list[Reason]
    supervisions: list[Reason]
    reopenings: list[Reason]
    late_facts: dict[Reason, Literal["triage", "mediation"]]
    escalation: EscalationShape
    closing: ClosingShape
    partners: PartnersShape
