"""One JSON object a line on stdout, whoever speaks: our code, uvicorn, aiokafka, SQLAlchemy or Python itself."""

import logging
import sys
import threading
import warnings
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any
from uuid import UUID

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from chassis import metrics_counting
from chassis.alarms import ALARMS
from chassis.log_errors import kind_of, tell_exception
from chassis.log_libraries import module_of_file, spoken
from chassis.log_privacy import hide_personal_data
from chassis.log_rate import RateLimit

_COUNTED = frozenset({"warning", "error", "critical"})
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(process: str, level: str = "info", *, alarms: Iterable[str] = ()) -> None:
    """Call once, at the start of the process, before anything logs. Called again it replaces what was there.

    `alarms` are the service's own, beside those of the chassis.
    """
    metrics_counting.begin(process, (*ALARMS, *alarms))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _counted,
            _named(process),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            tell_exception,
            hide_personal_data,
            structlog.processors.JSONRenderer(serializer=_serialise),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _take_over_stdlib(_LEVELS[level])
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    sys.unraisablehook = _log_unraisable


class _Through(logging.Handler):
    """Hands records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "critical" if record.levelno >= logging.CRITICAL else record.levelname.lower()
        fields: dict[str, Any] = {"logger": record.name, "exc_info": record.exc_info or None}
        suppressed = getattr(record, "suppressed", 0)
        if suppressed:
            fields["suppressed"] = suppressed
        speak = getattr(structlog.get_logger(), level, structlog.get_logger().info)
        speak(spoken(record), **fields)


def _take_over_stdlib(level: int) -> None:
    handler = _Through()
    handler.addFilter(RateLimit("aiokafka", lines=10, seconds=10.0))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("sqlalchemy.engine", "httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
    logging.captureWarnings(True)
    warnings.showwarning = _log_warning


def _counted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Lines of our own have names that stand in code; a library may say anything, and is not counted."""
    if event["level"] in _COUNTED and "logger" not in event:
        metrics_counting.said(event["level"], event["event"])
    return event


def _named(process: str) -> Any:
    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return add_process


def _serialise(event: EventDict, **_: Any) -> bytes:
    return orjson.dumps(event, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)


def _plain(value: Any) -> str:
    """Whatever is no plain value says what it is, not what it holds."""
    if isinstance(value, UUID | Decimal | timedelta):
        return str(value)
    return kind_of(value) if isinstance(value, BaseException) else f"<{type(value).__name__}>"


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_type is not SystemExit:
        structlog.get_logger().critical("uncaught", in_thread=True, exc_info=arguments.exc_value)


def _log_unraisable(unraisable: Any) -> None:
    """Raised where nobody could catch it, as when an object is taken away."""
    structlog.get_logger().warning("unraisable", exc_info=unraisable.exc_value)


def _log_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """Its kind and its place: what it says may quote a value, and what Python writes begins with a path."""
    where = f"{module_of_file(filename)}:{lineno}"
    structlog.get_logger().warning("python_warning", logger="py.warnings", kind=category.__name__, where=where)
