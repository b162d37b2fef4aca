"""Our own logging in a process of tests, and everything as it was afterwards."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import structlog
from chassis import logs


@contextmanager
def logging_as_before() -> Iterator[None]:
    """Whatever the body configures is undone: structlog, loggers, and the hooks of the interpreter."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in ("aiokafka", "aiokafka.conn", "aiokafka.client")}
    for name in quiet:  # a launcher's probe may have silenced them
        logging.getLogger(name).setLevel(logging.NOTSET)
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    try:
        yield
    finally:
        for name, was in quiet.items():
            logging.getLogger(name).setLevel(was)
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Any]:
    """Gives a function that reads what has been logged since it was last called."""

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]

    with logging_as_before():
        logs.configure("intake-api", "info")
        yield read
