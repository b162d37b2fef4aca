"""What libraries say. Their sentences are code; what they put into them is not, and stays out unless it is harmless."""

import logging
import re
import sys
from collections.abc import Mapping
from numbers import Number
from typing import Any

from chassis.log_errors import kind_of, of_system

_HIDDEN = "***"
_HARMLESS = re.compile(r"[A-Za-z0-9_.:@+-]{0,120}")  # names of topics, groups, hosts; no path, no sentence
_PLAIN = re.compile(r"[A-Za-z0-9 _,.;!%-]*")
_WHOLE = ("alembic.runtime",)  # tells which of our own migrations it runs
_KEPT_BACK = "words kept back"


def spoken(record: logging.LogRecord) -> str:
    """What was filled in is vetted; a sentence that comes ready filled in ends where that may have begun."""
    if record.name.startswith(_WHOLE):
        return record.getMessage().partition("\n")[0]
    if isinstance(record.msg, BaseException):
        return str(_vetted(record.msg))
    sentence = str(record.msg)
    if not record.args:
        return _plain(sentence)
    try:
        return str(sentence % _vetted_all(record.args)).partition("\n")[0]
    except (TypeError, ValueError, KeyError):  # a sentence and its values that do not fit are no reason to fall
        return _plain(sentence)


def module_of_file(file: str) -> str:
    """For who knows only a file's name: Python's own warnings."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == file:
            return name
    return "?"


def _plain(sentence: str) -> str:
    found = _PLAIN.match("" if sentence.startswith("Traceback") else sentence)
    return (found[0].strip() if found else "") or _KEPT_BACK


def _vetted_all(values: tuple[object, ...] | Mapping[str, object]) -> Any:
    if isinstance(values, Mapping):
        return {name: _vetted(value) for name, value in values.items()}
    return tuple(_vetted(value) for value in values)


def _vetted(value: object) -> Any:
    match value:
        case None | Number():
            return value
        case str():
            return value if _HARMLESS.fullmatch(value) else _HIDDEN
        case OSError():
            said = of_system(value)
            return f"{kind_of(value)} ({said})" if said else kind_of(value)
        case BaseException():
            return kind_of(value)
        case type():
            return value.__name__
        case tuple() | list() | set() | frozenset():
            return "[" + ", ".join(str(_vetted(one)) for one in value) + "]"
        case _:
            return f"<{type(value).__name__}>"
