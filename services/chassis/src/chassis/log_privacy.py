"""The second line of defence: nobody should log personal data, and if somebody does, it stops here."""

import re
from collections.abc import Mapping
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


def hide_personal_data(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Masks fields whose names promise personal data, at any depth, and numbers that look like it anywhere."""
    return {key: _masked(key, value, depth=4) for key, value in event.items()}


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
