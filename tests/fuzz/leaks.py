"""What no answer, log line or event may show: a stack, a statement, a path, a person."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from chassis import logs
from fuzz.junk import PERSON, PHONE

SHOWN = {
    "a stack": re.compile(r"Traceback|\.py\b|File \\?\"|\bline \d+, in\b|\bframes\b"),
    "a statement": re.compile(
        r"\b(?:SELECT\b.{1,200}?\bFROM|INSERT INTO|DELETE FROM|UPDATE \w+(?:\.\w+)? SET|ON CONFLICT|unnest\()", re.S
    ),
    "a library": re.compile(r"sqlalchemy|asyncpg|pydantic|starlette|uvicorn\.protocols|psycopg|aiokafka\.", re.I),
    "a path": re.compile(r"/(?:root|home|usr|work|tmp|etc/passwd|var|opt)/|site-packages|C:\\\\"),
    "a person": re.compile(f"{PERSON}|{PHONE}|{PERSON.encode('unicode_escape').decode()}".replace("\\", "\\\\"), re.I),
}


def leaks(text: str) -> list[str]:
    return [what for what, pattern in SHOWN.items() if pattern.search(text)]


@contextmanager
def logged_to(file: Path) -> Iterator[None]:
    """As a service's process logs, all processors included, into a file."""
    import logging
    import sys

    root, hook = logging.getLogger(), sys.excepthook
    before, level = list(root.handlers), root.level
    with file.open("wb") as out:
        logs.configure("fuzzed-api", "info")
        structlog.configure(logger_factory=structlog.BytesLoggerFactory(out))
        try:
            yield
        finally:
            structlog.reset_defaults()
            root.handlers[:], sys.excepthook = before, hook
            root.setLevel(level)
            logging.captureWarnings(False)


def leaking_lines(file: Path, *, after: int = 0) -> list[str]:
    """Of what was written behind the first `after` bytes."""
    lines = file.read_bytes()[after:].decode().splitlines()
    assert lines, "nothing was logged: there is nothing to scan"
    return [f"{what}: {line[:300]}" for line in lines for what in leaks(line)]
