"""Libraries speak our JSON; their sentences are kept, and what they fill in only where it is harmless."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import warnings
from typing import Any

import pytest
from chassis.log_libraries import spoken
from chassis.log_rate import RateLimit
from fuzz.leaks import leaks_of_line
from support.logged import lines as lines


@pytest.mark.parametrize("name", ["uvicorn.error", "aiokafka.consumer", "sqlalchemy.pool", "alembic.runtime.migration"])
def test_the_loggers_of_libraries_speak_the_same_json(lines: Any, name: str) -> None:
    logging.getLogger(name).warning("100%% of %s", "it")

    (line,) = lines()
    assert (line["event"], line["logger"], line["level"]) == ("100% of it", name, "warning")


def test_a_forgotten_task_does_not_spill_the_text_of_its_exception(lines: Any) -> None:
    async def forget() -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "Task exception was never retrieved", "future": ValueError("王建国")})

    asyncio.run(forget())
    (line,) = lines()
    assert line["event"] == "Task exception was never retrieved"
    assert "王建国" not in json.dumps(line, ensure_ascii=False)


@pytest.mark.parametrize(
    ("sentence", "values", "said"),
    [
        ('Unable connect to "%s:%s": %s', ("10.0.0.1", 9092, OSError(111, "/x")), 'to "10.0.0.1:9092": Connection'),
        ("Unable connect: %s", (ValueError("王建国"),), "Unable connect: ValueError"),
        ("Subscribed to topic(s): %s", ({"intake.v1"},), "Subscribed to topic(s): [intake.v1]"),
        ("Loading SSL CA from %s", ("/etc/ssl/ca.pem",), "Loading SSL CA from ***"),
        ("ran %r in %.1f s", ("SELECT name FROM call", 0.25), "ran '***' in 0.2 s"),
        ("%(who)s is late", ({"who": "王建国"},), "*** is late"),
        ("no %s for that %s", ("one",), "no"),
        ("%d times", ("/etc/passwd",), "%d times"),
        ("cleaning up connection %r", (object(),), "cleaning up connection '<object>'"),
        ("Exception in callback f('王建国') at /srv/app/x.py:3", (), "Exception in callback f"),
        ("Error loading: no column 王建国", (), "Error loading"),
        ("Traceback (most recent call last):\n  File", (), "words kept back"),
        ("王建国", (), "words kept back"),
        ("Invalid HTTP request received.", (), "Invalid HTTP request received."),
    ],
)
def test_a_library_keeps_its_sentence_and_not_what_it_fills_in(
    sentence: str, values: tuple[object, ...], said: str
) -> None:
    words = spoken(logging.LogRecord("aiokafka.conn", logging.WARNING, "", 0, sentence, values, None))

    assert said in words
    assert leaks_of_line(words) == []
    assert "王建国" not in words


def test_of_our_own_migrations_all_is_told() -> None:
    record = logging.LogRecord(
        "alembic.runtime.migration", logging.INFO, "", 0, "Running %s", ("0001 -> 0002, b",), None
    )

    assert spoken(record) == "Running 0001 -> 0002, b"


def test_an_error_given_in_the_place_of_a_sentence_is_told_by_its_kind(lines: Any) -> None:
    logging.getLogger("uvicorn.error").error(OSError(errno.EADDRINUSE, "on ('10.0.0.1', 1)"))

    assert lines()[0]["event"] == "OSError (Address already in use)"


def test_a_warning_of_python_says_its_kind_and_place_and_not_its_words(lines: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("Expected `int` but got '王建国'", UserWarning, stacklevel=1)

    (line,) = lines()
    assert (line["event"], line["kind"], line["where"].rpartition(":")[0]) == (
        "python_warning",
        "UserWarning",
        __name__,
    )
    assert "王建国" not in json.dumps(line, ensure_ascii=False)


def test_a_storm_of_one_library_is_cut_down_and_says_by_how_much() -> None:
    now = 0.0
    limit = RateLimit("aiokafka", lines=3, seconds=10.0, monotonic=lambda: now)

    def record(name: str) -> logging.LogRecord:
        return logging.LogRecord(name, logging.ERROR, "", 0, "broker away", (), None)

    assert [limit.filter(record("aiokafka.conn")) for _ in range(300)].count(True) == 3
    assert all(limit.filter(record("uvicorn.error")) for _ in range(300))
    now = 10.0
    later = record("aiokafka.client")
    assert limit.filter(later)
    assert later.__dict__["suppressed"] == 297


def test_the_storm_is_cut_on_the_real_road_too(lines: Any) -> None:
    for _ in range(100):
        logging.getLogger("aiokafka.conn").error("unable to connect")

    assert len(lines()) == 10
