"""What triage is told from outside, prefix TRIAGE_. The services' common settings stand in chassis."""

from chassis.settings import PrefixedSettings
from pydantic import Field

PREFIX = "TRIAGE_"


class DirectorySettings(PrefixedSettings):
    """All that loading a directory needs."""

    database_url: str = Field(repr=False)
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
