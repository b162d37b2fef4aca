"""Values that have broken software before, and ways to put them where something honest stood. All by a given lot."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

PERSON = "欧阳翊珩"
PHONE = "18612345678"
"""Planted in the clear: found in an answer, a log line or an event it is a leak."""

JUNK: list[Any] = [
    None, "", " ", "\x00", "a\x00b", "０", "𠮷䶮", "\u202e", "\ufeff", "\ud83d", "e\u0301" * 200, "' OR 1=1 --",
    "{{7*7}}", "${jndi:ldap://x}", "<script>", "../../etc/passwd", "%00", "%s%n", "NaN", "null", "true", "1e400",
    "0x10", "١٢٣", "a" * 70_000, f"{PERSON}{PHONE}", f"{PERSON} 电话 {PHONE}", "2026-02-30T25:61:00Z",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00", "+275760-09-13T00:00:00Z",
    "2026-01-01", "0000-00-00", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "not-a-uuid", -1, 0, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.1, -0.0, 1e308, 5e-324, True,
    False, [], {}, [[]], [None], {"": None}, {"__proto__": {"x": 1}}, ["a"] * 2_000, {str(n): n for n in range(500)},
]  # fmt: skip


def nested(depth: int, leaf: Any = 1) -> Any:
    value = leaf
    for n in range(depth):
        value = [value] if n % 2 else {"a": value}
    return value


def junk(rng: random.Random) -> Any:
    return nested(rng.choice([5, 63, 65, 300])) if rng.random() < 0.05 else rng.choice(JUNK)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document, the whole of it included, as far as people would nest."""
    found = [path]
    if len(path) < 20:
        steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for step, inner in steps:
            found += places(inner, (*path, step))
    return found


def changed(value: Any, rng: random.Random) -> Any:
    """A copy in which something stands, lacks or is named otherwise."""
    copy = json.loads(json.dumps(value))
    path = rng.choice(places(copy))
    if not path:
        return rng.choice([junk(rng), [copy], {"body": copy}]) if rng.random() < 0.3 else _with_more(copy, rng)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    match rng.randrange(5):
        case 0:
            del holder[path[-1]]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(["", "\x00", "a" * 300, "对方姓名", f"{path[-1]} "])] = holder.pop(path[-1])
        case _:
            holder[path[-1]] = junk(rng)
    return copy


def _with_more(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        value[rng.choice(["extra", "__proto__", "\u202e", "对方姓名", "seq", "referral_id"])] = junk(rng)
    return value


def as_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def torn(raw: bytes, rng: random.Random) -> bytes:
    """What no parser should have to see."""
    ways: list[Callable[[], bytes]] = [
        lambda: raw[: rng.randint(0, len(raw))],
        lambda: b"[" * rng.choice([10, 5_000, 100_000]) + raw,
        lambda: b'{"a":' * rng.choice([10, 5_000]) + raw,
        lambda: rng.randbytes(rng.randint(0, 300)),
        lambda: raw.replace(b'"', b"'"),
        lambda: raw.decode("utf-8", "replace").encode("gb18030", "replace"),
        lambda: raw.decode("utf-8", "replace").encode("utf-16"),
        lambda: b"\xef\xbb\xbf" + raw,
        lambda: raw + raw,
        lambda: raw.replace(b":", b":" + b" " * 2_000, 1),
        lambda: _flipped(raw, rng),
    ]
    return rng.choice(ways)()


def _flipped(raw: bytes, rng: random.Random) -> bytes:
    bent = bytearray(raw)
    for _ in range(rng.randint(1, 5) if bent else 0):
        bent[rng.randrange(len(bent))] ^= 1 << rng.randrange(8)
    return bytes(bent)
