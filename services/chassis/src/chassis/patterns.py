"""Regular expressions that are tried only where a match can begin.

Python's engine skips ahead by itself where a pattern begins with plain characters, but not behind a group: a rule of
nested alternatives is then tried at every place of a text. Said in front, what it may begin with, it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

# The standard library's own reading of a pattern, the same from 3.11 on; what it gives is not documented.
kinds: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

_WIDEST = 512
"""Characters in one range: beyond that a set says too little to be worth asking."""


def begun_well(pattern: str) -> re.Pattern[str]:
    """Matches what `pattern` matches, group for group; sooner where it is known what a match begins with."""
    plain = re.compile(pattern)
    first, may_be_empty = _first_of(parser.parse(pattern)) if plain.flags == re.UNICODE.value else (None, True)
    if first is None or may_be_empty:
        return plain
    return re.compile(f"(?=[{''.join(re.escape(chr(one)) for one in sorted(first))}])(?:{pattern})")


def _first_of(sequence: Iterable[tuple[Any, Any]]) -> tuple[frozenset[int] | None, bool]:
    """The code points a match may begin with, nothing where that is not known; and whether it may be empty."""
    first: frozenset[int] = frozenset()
    for kind, value in sequence:
        more, may_be_empty = _first_of_one(kind, value)
        if more is None:
            return None, False
        first |= more
        if not may_be_empty:
            return first, False
    return first, True


def _first_of_one(kind: Any, value: Any) -> tuple[frozenset[int] | None, bool]:
    if kind is kinds.LITERAL:
        return frozenset({value}), False
    if kind is kinds.IN:
        return _listed(value), False
    if kind is kinds.SUBPATTERN:
        return _first_of(value[-1]) if not (value[1] or value[2]) else (None, False)  # flags of its own may fold case
    if kind is kinds.BRANCH:
        return _of_any(value[1])
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        least, _, repeated = value
        first, may_be_empty = _first_of(repeated)
        return first, may_be_empty or least == 0
    if kind in (kinds.AT, kinds.ASSERT, kinds.ASSERT_NOT):
        return frozenset(), True  # take no character
    return None, False


def _of_any(branches: Iterable[Any]) -> tuple[frozenset[int] | None, bool]:
    found = [_first_of(branch) for branch in branches]
    known = [first for first, _ in found if first is not None]
    may_be_empty = any(empty for _, empty in found)
    return (frozenset[int]().union(*known) if len(known) == len(found) else None), may_be_empty


def _listed(members: Iterable[tuple[Any, Any]]) -> frozenset[int] | None:
    """A class of characters; nothing for one that says what it is not, or is as wide as a script."""
    found: set[int] = set()
    for kind, value in members:
        if kind is kinds.LITERAL:
            found.add(value)
        elif kind is kinds.RANGE and value[1] - value[0] < _WIDEST:
            found.update(range(value[0], value[1] + 1))
        else:
            return None
    return frozenset(found)
