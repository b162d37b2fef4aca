"""One JSON object a line on stdout, whoever speaks: our code, uvicorn, aiokafka, SQLAlchemy or Python itself."""

import logging
import sys
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from chassis import metrics_counting
from chassis.alarms import ALARMS
from chassis.log_privacy import hide_personal_data, safe_exception
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
            safe_exception,
            hide_personal_data,
            structlog.processors.JSONRenderer(serializer=_serialise),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    _take_over_stdlib(_LEVELS[level])
    sys.excepthook = _log_uncaught


class _Through(logging.Handler):
    """Hands records of the standard library's loggers to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        # asyncio puts the repr of a failed task, and so the text of its exception, on the lines after the first
        event = record.getMessage().split("\n", maxsplit=1)[0]
        level = "critical" if record.levelno >= logging.CRITICAL else record.levelname.lower()
        fields: dict[str, Any] = {"logger": record.name, "exc_info": record.exc_info or None}
        suppressed = getattr(record, "suppressed", 0)
        if suppressed:
            fields["suppressed"] = suppressed
        speak = getattr(structlog.get_logger(), level, structlog.get_logger().info)
        speak(event, **fields)


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
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))
