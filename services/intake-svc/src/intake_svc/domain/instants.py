"""Times as dispatch systems write them: many forms, often without a zone, which then is China's (DOMAIN §3.9)."""

import re
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
_COMPACT = re.compile(r"([0-9]{8})([0-9]{6})")
_HAS_TIME = re.compile(r"[0-9][T ][0-9]{2}", re.IGNORECASE)
_YEARS = range(1970, 2200)


def read_instant(text: str) -> datetime:
    """`2026-01-01 08:00:00`, `20260101080000`, ISO 8601 with or without zone; UTC. Raises ValueError."""
    plain = text.strip().replace("/", "-")
    compact = _COMPACT.fullmatch(plain)
    if compact is None and not _HAS_TIME.search(plain):
        raise ValueError("no time of day")
    at = datetime.fromisoformat(f"{compact[1]}T{compact[2]}" if compact else plain)
    if at.year not in _YEARS:
        raise ValueError("not in our time")
    return (at if at.tzinfo else at.replace(tzinfo=CHINA)).astimezone(UTC)
