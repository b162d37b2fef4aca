"""Reading rule data (plain mappings, whatever file or table they come from): every error names its entry."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from chassis.patterns import begun_well

from intake_svc.domain.errors import RuleDataError

# A narrative may be 5,000 characters long: an unbounded repeat would make one call slow enough to stall the others.
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{\d*,\})")
_NAME = re.compile(r"<(\w+)>")

T = TypeVar("T")


def compiled(patterns: Iterable[object], at: str, vocabulary: Mapping[str, str] | None = None) -> re.Pattern[str]:
    parts = [expanded(part, at, vocabulary or {}) for part in patterns]
    if not parts:
        raise RuleDataError(f"{at}: no pattern")
    return begun_well("|".join(f"(?:{begun_well(part).pattern})" for part in parts))


def expanded(pattern: object, at: str, vocabulary: Mapping[str, str]) -> str:
    if not isinstance(pattern, str) or not pattern:
        raise RuleDataError(f"{at}: a pattern must be text, not {pattern!r}")

    def word(match: re.Match[str]) -> str:
        if match.group(1) not in vocabulary:
            raise RuleDataError(f"{at}: no vocabulary <{match.group(1)}>")
        return f"(?:{vocabulary[match.group(1)]})"

    full = _NAME.sub(word, pattern)
    if _UNBOUNDED.search(full):
        raise RuleDataError(f"{at}: unbounded repeat in {pattern!r}, say {{0,8}} or the like")
    try:
        if re.compile(full).search(""):
            raise RuleDataError(f"{at}: {pattern!r} matches everything")
    except re.error as error:
        raise RuleDataError(f"{at}: {pattern!r} is no regular expression: {error}") from error
    return full


def entries(data: Mapping[str, Any], key: str, build: Callable[[Mapping[str, Any], str], T]) -> tuple[T, ...]:
    built = []
    for position, entry in enumerate(listed(data, key, "screening")):
        if not isinstance(entry, Mapping):
            raise RuleDataError(f"{key}[{position}]: must be a mapping")
        built.append(build(entry, f"{key}.{entry.get('id', position)}"))
    return tuple(built)


def mapping(data: Mapping[str, Any], key: str, at: str) -> Mapping[str, Any]:
    value = data.get(key)
    if not isinstance(value, Mapping):
        raise RuleDataError(f"{at}.{key}: must be a mapping")
    return value


def listed(data: Mapping[str, Any], key: str, at: str) -> list[Any]:
    value = data.get(key)
    if not isinstance(value, list):
        raise RuleDataError(f"{at}.{key}: must be a list")
    return value


def text(data: Mapping[str, Any], key: str, at: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise RuleDataError(f"{at}.{key}: must be text")
    return value


def one_of(value: object, allowed: Iterable[str], at: str) -> None:
    if value not in set(allowed):
        raise RuleDataError(f"{at}: {value!r} is none of {', '.join(sorted(allowed))}")


def refuse_unknown(data: Mapping[str, Any], known: set[str], at: str) -> None:
    if unknown := sorted(str(key) for key in set(data) - known):
        raise RuleDataError(f"{at}: unknown entry {', '.join(unknown)}")


def refuse_twins(ids: list[str]) -> None:
    if twins := sorted({name for name in ids if ids.count(name) > 1}):
        raise RuleDataError(f"screening: id used twice: {', '.join(twins)}")


def share(data: Mapping[str, Any], key: str, at: str) -> float:
    value = data.get(key)
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise RuleDataError(f"{at}.{key}: must be between 0 and 1")
    return float(value)
