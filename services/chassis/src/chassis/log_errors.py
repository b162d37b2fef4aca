"""What was raised, told to people who have the code but not the machine: the kinds of the chain and one place in it.

The words of an exception stay out: drivers and validators quote the values, statements and files that they choke on.
"""

import os
import socket
import ssl
import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any

from structlog.typing import EventDict, WrappedLogger

_OURS = frozenset({"chassis", "referral_schemas", "stack"})
_LONGEST_CHAIN, _MOST_MEMBERS = 8, 5
_OF_DATABASE: Mapping[str, str] = {
    "sqlstate": "sqlstate", "schema": "schema_name", "table": "table_name", "column": "column_name",
    "constraint": "constraint_name",
}  # fmt: skip


def tell_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Puts what `told` says in the place of `exc_info`."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event.update(told(error))
    return event


def told(error: BaseException) -> dict[str, Any]:
    """`exception`: kinds, the one that was raised last first. `where`: where the first cause of it was raised."""
    chain = list(_chain(error))
    fields: dict[str, Any] = {"exception": [kind_of(one) for one in chain]}
    if place := _place(error):
        fields["where"] = place
    if members := [kind_of(one) for group in chain if isinstance(group, BaseExceptionGroup) for one in _members(group)]:
        fields["members"] = members
    if database := next(filter(None, map(_of_database, chain)), None):
        fields["database"] = database
    if said := next(filter(None, (of_system(one) for one in chain if isinstance(one, OSError))), None):
        fields["system"] = said
    return fields


def kind_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def of_system(error: OSError) -> str | None:
    """The system's own words for it, without the file or the address that it was about."""
    if isinstance(error, ssl.SSLError):
        return error.reason
    if isinstance(error, socket.gaierror):
        return error.strerror
    return os.strerror(error.errno) if error.errno is not None else None


def module_of(frame: FrameType) -> str:
    """Also of what was started by `python -m`."""
    spec = frame.f_globals.get("__spec__")
    return str(getattr(spec, "name", None) or frame.f_globals.get("__name__", "?"))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _LONGEST_CHAIN:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _members(group: BaseExceptionGroup[Any]) -> tuple[BaseException, ...]:
    return group.exceptions[:_MOST_MEMBERS]


def _place(error: BaseException) -> str | None:
    """The innermost frame that is ours, of the first cause that has one; where nothing is ours, the innermost of all.

    What was merely being handled when it was raised (`__context__`) is no cause of it.
    """
    first: str | None = None
    for cause in reversed(list(_causes(error))):
        frames = _frames(cause)
        for module, place in reversed(frames):
            if _is_ours(module):
                return place
        first = first or (frames[-1][1] if frames else None)
    return first


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.exceptions[0] if isinstance(current, BaseExceptionGroup) else current.__cause__


def _frames(error: BaseException) -> list[tuple[str, str]]:
    found, trace = [], error.__traceback__
    while trace is not None:
        module, code = module_of(trace.tb_frame), trace.tb_frame.f_code
        found.append((module, f"{module}:{code.co_qualname}:{trace.tb_lineno}"))
        trace = trace.tb_next
    return found


def _is_ours(module: str) -> bool:
    package = module.partition(".")[0]
    return package in _OURS or package.endswith("_svc")


def _of_database(error: BaseException) -> dict[str, str]:
    """Names from the schema, never from a row."""
    found = {name: getattr(error, attribute, None) for name, attribute in _OF_DATABASE.items()}
    return {name: str(value) for name, value in found.items() if value is not None}
