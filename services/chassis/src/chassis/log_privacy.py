"""The second line of defence: nobody should log personal data, and if somebody does, it stops here."""

import re
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

_HIDDEN = "***"
_PERSONAL = re.compile(
    r"(?:^|_)(?:name|phone|mobile|tel|content|narrative|text|address|place|body|payload|id_number|id_card|"
    r"password|secret|token|authorization|cookie|key)$"
)
_NUMBERS = re.compile(
    r"(?<![0-9A-Za-z-])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![0-9A-Za-z])"  # mobile phone
    r"|(?<![0-9A-Za-z-])[1-9]\d{5}(?:19|20)\d{2}[01]\d[0-3]\d{4}[0-9Xx](?![0-9A-Za-z])"  # resident identity number
)
_OURS = {"event", "level", "logger", "process", "at"}
_SPEAKING = (OSError, TimeoutError)  # their text comes from the system, never from a row or a body
_FRAMES = 30


def hide_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Masks fields whose names promise personal data, at any depth, and numbers that look like it anywhere."""
    return {key: value if key == "exception" else _masked(key, value, depth=4) for key, value in event.items()}


def _masked(key: str, value: Any, *, depth: int) -> Any:
    if key not in _OURS and value is not None and _PERSONAL.search(key):
        return _HIDDEN
    if isinstance(value, str):
        return _NUMBERS.sub(_HIDDEN, value)
    if isinstance(value, Mapping):
        return {str(k): _masked(str(k), v, depth=depth - 1) for k, v in value.items()} if depth else _HIDDEN
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked("", item, depth=depth - 1) for item in value] if depth else _HIDDEN
    return value


def safe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Says what was raised and where. The message stays out: drivers and validators quote the values they choke on."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    elif isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if isinstance(found, tuple) and found[1] is not None:
        event["exception"] = describe(found[1])
    return event


def describe(error: BaseException) -> list[dict[str, Any]]:
    """The chain of exceptions, the one that was raised last first."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < 5:
        seen.add(id(current))
        chain.append(_one(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _one(error: BaseException) -> dict[str, Any]:
    described: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if isinstance(error, _SPEAKING) or type(error).__module__.startswith("chassis."):
        described["message"] = str(error)[:500]
    for attribute in ("sqlstate", "schema_name", "table_name", "column_name", "constraint_name"):
        if (value := getattr(error, attribute, None)) is not None:
            described[attribute] = str(value)
    if isinstance(error, BaseExceptionGroup):
        described["members"] = [_one(member) for member in error.exceptions[:5]]
    described["frames"] = _frames(error.__traceback__)
    return described


def _frames(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
