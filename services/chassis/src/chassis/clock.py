"""Where the time comes from. It is asked once per unit of work and passed on from there."""

from datetime import UTC, datetime


class Clock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
