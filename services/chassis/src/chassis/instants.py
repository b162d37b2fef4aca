"""An instant as requests bring it: with its offset, and such that it can be told in UTC and stored."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError


def _tellable(at: datetime) -> datetime:
    """At the ends of time an offset leads out of what can be written; nothing here happens in the year 1 or 9999."""
    if not 1 < at.year < 9999:
        raise PydanticCustomError("datetime_parsing", "the instant is beyond what can be stored")
    return at


Instant = Annotated[AwareDatetime, AfterValidator(_tellable)]
