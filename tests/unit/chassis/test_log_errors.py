"""An exception is told by its kinds and one place; its words, which may quote anything, stay out."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import logging
import re
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from chassis.log_errors import told
from chassis.sealing import Keyring
from chassis.workdays import Span
from pydantic import BaseModel, ValidationError
from support.logged import lines as lines
from support.stack import ROOT

log = structlog.get_logger()


class Person(BaseModel):
    age: int


def raising() -> None:
    try:
        Person.model_validate({"age": "王建国"})
    except ValidationError as error:
        raise KeyError("王建国") from error


def test_an_exception_says_what_and_where_but_not_what_it_quotes(lines: Any) -> None:
    try:
        raising()
    except KeyError:
        log.exception("failed")
        logging.getLogger("uvicorn.error").exception("failed")

    text = json.dumps(found := lines(), ensure_ascii=False)
    assert "王建国" not in text
    for line in found:
        assert line["exception"] == ["KeyError", "pydantic_core._pydantic_core.ValidationError"]
        assert re.fullmatch(r"pydantic\.main:BaseModel\.model_validate:\d+", line["where"])


def test_the_place_is_a_line_of_ours_that_can_be_found_as_the_runbook_says(lines: Any) -> None:
    try:
        Keyring.parse("no ring")
    except ValueError:
        log.exception("failed")

    module, function, number = lines()[0]["where"].split(":")
    assert (module, function) == ("chassis.sealing", "Keyring.parse")
    source = ROOT / "services/chassis/src" / f"{module.replace('.', '/')}.py"
    assert "raise ValueError" in source.read_text().splitlines()[int(number) - 1]


def test_of_a_chain_the_place_is_where_its_first_cause_was_raised_and_not_what_was_merely_being_handled() -> None:
    def caused() -> None:
        try:
            Keyring.parse("no ring")
        except ValueError as error:
            raise LookupError("王建国") from error

    def handling() -> None:
        try:
            Keyring.parse("no ring")
        except ValueError:
            Span.parse("王建国")

    def told_of(action: Callable[[], None]) -> dict[str, Any]:
        try:
            action()
        except Exception as error:
            return told(error)
        raise AssertionError("it should have raised")

    assert told_of(caused)["where"].startswith("chassis.sealing:Keyring.parse:")
    assert told_of(handling)["where"].startswith("chassis.workdays:Span.parse:")
    assert told_of(handling)["exception"] == ["chassis.workdays.SpanRefused", "ValueError"]


def test_a_group_says_what_its_members_are_and_where_the_first_was_raised() -> None:
    async def parse() -> None:
        Keyring.parse("no ring")

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(parse())

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(together())
    said = told(caught.value)
    assert (said["exception"], said["members"]) == (["ExceptionGroup"], ["ValueError"])
    assert said["where"].startswith("chassis.sealing:Keyring.parse:")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111, "王建国"), "Connection refused"),
        (FileNotFoundError(2, "gone", "/etc/shadow"), "No such file or directory"),
        (OSError(errno.EADDRINUSE, "error while attempting to bind on address ('10.0.0.1', 1)"), "Address already in"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (TimeoutError(), None),
    ],
)
def test_of_the_system_its_own_words_are_kept_and_no_file(lines: Any, error: OSError, said: str | None) -> None:
    log.error("failed", exc_info=error)

    (line,) = lines()
    assert line.get("system", "").startswith(said or "")
    assert ("system" in line) is (said is not None)
    assert not {"shadow", "王建国", "10.0.0.1"} & set(re.findall(r"[\w.]+", json.dumps(line, ensure_ascii=False)))


def uncaught_in_main() -> None:
    sys.excepthook(ValueError, ValueError("王建国"), None)


def uncaught_in_a_thread() -> None:
    def fail() -> None:
        raise ValueError("王建国")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def raised_where_nobody_could_catch_it() -> None:
    class Held:
        def __del__(self) -> None:
            raise ValueError("王建国")

    Held()
    gc.collect()


@pytest.mark.parametrize(
    ("failure", "event"),
    [
        (uncaught_in_main, "uncaught"),
        (uncaught_in_a_thread, "uncaught"),
        (raised_where_nobody_could_catch_it, "unraisable"),
    ],
)
def test_an_uncaught_exception_is_a_line_and_not_a_traceback(
    lines: Any, capsysbinary: pytest.CaptureFixture[bytes], failure: Callable[[], None], event: str
) -> None:
    failure()
    written = capsysbinary.readouterr()

    line = json.loads(written.out)
    assert (line["event"], line["exception"]) == (event, ["ValueError"])
    assert "王建国".encode() not in written.out + written.err
    assert b"Traceback" not in written.err
