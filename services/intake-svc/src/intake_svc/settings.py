"""What intake is told from outside, besides what every service is told."""

from chassis.settings import ServiceSettings
from pydantic import Field


class IntakeSettings(ServiceSettings):
    queue_limit: int = Field(default=50_000, ge=1)
    """Calls that may wait to be screened; beyond it sources are asked to come back."""
