"""Identifiers: time-ordered UUIDs and the tracking codes that people read aloud."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

from asyncpg.pgproto import pgproto

_COUNTER_BITS = 74  # everything in a UUIDv7 that is neither time, version nor variant
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MISREAD = str.maketrans("ILO", "110")


class _Sequence:
    """RFC 9562 §6.2, method 2: a random start in each millisecond, then random steps upwards."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._counter = 0

    def next(self) -> UUID:
        now = time.time_ns() // 1_000_000
        noise = int.from_bytes(os.urandom(10), "big")
        with self._lock:
            if now > self._millisecond:
                self._millisecond, self._counter = now, noise >> 7  # 73 bits: room to count upwards
            else:  # same millisecond, or the clock went back: the order of ids never does
                self._counter += 1 + (noise & 0xFFFFFFFF)
                if self._counter >> _COUNTER_BITS:
                    self._millisecond, self._counter = self._millisecond + 1, noise >> 7
            return _uuid7(self._millisecond, self._counter)


def _uuid7(millisecond: int, counter: int) -> UUID:
    high, low = counter >> 62, counter & ((1 << 62) - 1)
    number = (millisecond << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low
    return pgproto.UUID(number.to_bytes(16, "big"))


_sequence = _Sequence()


def new_id() -> UUID:
    """A UUIDv7, greater than every id this process has made before, whatever its clock does."""
    return _sequence.next()


def read_id(text: str) -> UUID:
    """Any UUID, of the kind that the database's driver gives: several times faster to read, compare and write.

    Raises ValueError. orjson does not take it: give it `str(id)`.
    """
    return pgproto.UUID(text)


def instant_of(made: UUID) -> datetime:
    """When an id of ours was made, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def id_at(instant: datetime) -> UUID:
    """The lowest id of that millisecond: the border of a partition by range of ids. Ids begin with 1970."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return _uuid7(max(0, round(instant.timestamp() * 1000)), 0)


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36: finds every single wrong character and nearly every swap of neighbours."""
    product = 36
    for character in text:
        total = (product + _ALPHANUMERIC.index(character)) % 36 or 36
        product = total * 2 % 37
    return _ALPHANUMERIC[(37 - product) % 36]


def new_tracking_code() -> str:
    """一案一码: ten random characters and a check character, shown `LD-XXXXX-XXXXX-C`."""
    return _shown("".join(_CROCKFORD[byte % 32] for byte in os.urandom(10)))  # 256 is eight times 32: none is likelier


def read_tracking_code(text: str) -> str | None:
    """The code as it is shown, or None when no code of ours reads like this.

    Forgives what people do when they copy by hand: small letters, missing hyphens, O for 0, I and L for 1.
    """
    compact = text.strip().upper().replace("-", "").replace(" ", "")
    if len(compact) != 13 or not compact.startswith("LD"):
        return None
    body, check = compact[2:12].translate(_MISREAD), compact[12]
    if any(character not in _CROCKFORD for character in body) or check_character(body) != check:
        return None
    return _shown(body)


def _shown(body: str) -> str:
    return f"LD-{body[:5]}-{body[5:]}-{check_character(body)}"
