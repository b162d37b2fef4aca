"""What no answer, log line or event may show: a stack, a statement, a path, a person."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from chassis import logs
from fuzz.junk import PERSON, PHONE
from support.logged import logging_as_before

SHOWN = {
    "a stack": re.compile(r"Traceback|\.py\b|File \\?\"|\bline \d+, in\b"),
    "a statement": re.compile(
        r"\b(?:SELECT\b.{1,200}?\bFROM|INSERT INTO|DELETE FROM|UPDATE \w+(?:\.\w+)? SET|ON CONFLICT|unnest\()", re.S
    ),
    "a library": re.compile(r"sqlalchemy|asyncpg|pydantic|starlette|uvicorn\.protocols|psycopg|aiokafka\.", re.I),
    "a path": re.compile(r"/(?:root|home|usr|work|tmp|etc/passwd|var|opt)/|site-packages|C:\\\\"),
    "a person": re.compile(f"{PERSON}|{PHONE}|{PERSON.encode('unicode_escape').decode()}".replace("\\", "\\\\"), re.I),
}


LOGGED = {
    "a stack": re.compile(r'Traceback|\.py\b|File "|\bline \d+, in\b'),
    "a statement": re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|WITH|COPY) |unnest\("),
    "a path": re.compile(r"(?<![\w:/])/(?:[\w.@+-]+/)+[\w.@+-]+|[A-Z]:\\\\|site-packages"),
    "a person": SHOWN["a person"],
}
"""What no line of a log may show; kinds of exceptions it does, and so the names of libraries."""


def leaks(text: str) -> list[str]:
    return [what for what, pattern in SHOWN.items() if pattern.search(text)]


def leaks_of_line(line: str) -> list[str]:
    """As a process writes it, or behind a keeper's words. The template of a route is no path of the machine."""
    try:
        told = json.loads(line[max(0, line.find("{")) :])
    except ValueError:
        told = line
    texts = list(_texts({**told, "route": None} if isinstance(told, dict) else told))
    return [what for what, pattern in LOGGED.items() if any(pattern.search(text) for text in texts)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.items() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _texts(inner)


@contextmanager
def logged_to(file: Path) -> Iterator[None]:
    """As a service's process logs, all processors included, into a file."""
    with logging_as_before(), file.open("wb") as out:
        logs.configure("fuzzed-api", "info")
        structlog.configure(logger_factory=structlog.BytesLoggerFactory(out))
        yield


def leaking_lines(file: Path, *, after: int = 0) -> list[str]:
    """Of what was written behind the first `after` bytes."""
    lines = file.read_bytes()[after:].decode().splitlines()
    assert lines, "nothing was logged: there is nothing to scan"
    return [f"{what}: {line[:300]}" for line in lines for what in leaks_of_line(line)]
