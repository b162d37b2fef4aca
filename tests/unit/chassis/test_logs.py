from __future__ import annotations

import asyncio
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from chassis import logs
from chassis.log_rate import RateLimit
from pydantic import BaseModel, ValidationError

log = structlog.get_logger()


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    quiet = {name: logging.getLogger(name).level for name in ("aiokafka", "aiokafka.conn", "aiokafka.client")}
    for name in quiet:  # a launcher's probe may have silenced them
        logging.getLogger(name).setLevel(logging.NOTSET)
    yield
    for name, was in quiet.items():
        logging.getLogger(name).setLevel(was)
    root.handlers[:], sys.excepthook = handlers, hook
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsysbinary: pytest.CaptureFixture[bytes]) -> Any:
    logs.configure("intake-api", "info")

    def read() -> list[dict[str, Any]]:
        return [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]

    return read


def test_a_line_is_one_json_object_with_its_process_and_instant(lines: Any) -> None:
    log.info("call_received", referral_id="r-1", count=3)

    (line,) = lines()
    assert line["at"].endswith("Z")
    del line["at"]
    assert line == {
        "event": "call_received",
        "referral_id": "r-1",
        "count": 3,
        "level": "info",
        "process": "intake-api",
    }


def test_chinese_is_written_as_chinese(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    logs.configure("intake-api")
    log.info("started", office="四川北路")

    assert "四川北路".encode() in capsysbinary.readouterr().out


def test_what_is_below_the_level_is_not_written(lines: Any) -> None:
    log.debug("quiet")
    logging.getLogger("uvicorn.error").debug("quiet")

    assert lines() == []


@pytest.mark.parametrize("name", ["uvicorn.error", "aiokafka.consumer", "sqlalchemy.pool", "alembic.runtime.migration"])
def test_the_loggers_of_libraries_speak_the_same_json(lines: Any, name: str) -> None:
    logging.getLogger(name).warning("100%% of %s", "it")

    (line,) = lines()
    assert (line["event"], line["logger"], line["level"]) == ("100% of it", name, "warning")


def test_a_warning_of_python_is_a_line_too(lines: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    assert lines()[0]["logger"] == "py.warnings"


def test_ids_bound_at_the_edge_are_on_every_line_of_that_task(lines: Any) -> None:
    async def one(name: str) -> None:
        structlog.contextvars.bind_contextvars(request_id=name)
        await asyncio.sleep(0)
        log.info("own")
        logging.getLogger("asyncpg").warning("library")

    async def both() -> None:
        await asyncio.gather(asyncio.create_task(one("a")), asyncio.create_task(one("b")))

    asyncio.run(both())
    assert sorted((line["request_id"], line["event"]) for line in lines()) == [
        ("a", "library"), ("a", "own"), ("b", "library"), ("b", "own"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "field", ["name", "caller_name", "phone", "caller_phone", "content", "address", "incident_address", "body", "token"]
)
def test_a_field_that_is_named_like_personal_data_is_masked_at_any_depth(lines: Any, field: str) -> None:
    log.info("slip", **{field: "王建国"}, nested={"deeper": [{field: "王建国"}]})

    (line,) = lines()
    assert line[field] == line["nested"]["deeper"][0][field] == "***"


@pytest.mark.parametrize(
    "number",
    ["13800138000", "+8613800138000", "138-0013-8000", "138 0013 8000", "11010519491231002X", "310109198001011234"],
)
def test_numbers_that_look_like_a_phone_or_an_identity_are_masked_wherever_they_stand(lines: Any, number: str) -> None:
    log.info(f"calling {number} now", note=f"x {number}")
    logging.getLogger("httpx").error("to %s", number)

    assert [line["event"] for line in lines()] == ["calling *** now", "to ***"]


def test_ids_and_figures_are_left_as_they_are(lines: Any) -> None:
    fields = {"referral_id": "01890a5d-ac96-774b-bcce-b302099a8057", "offset": 13800138000, "trace": "4bf92f3577b34da6"}
    log.info("kept", **fields)

    assert {key: lines_value for key, lines_value in lines()[0].items() if key in fields} == fields


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
        last, cause = line["exception"]
        assert last["type"] == "builtins.KeyError"
        assert cause["type"] == "pydantic_core._pydantic_core.ValidationError"
        assert any("test_logs.py" in frame and frame.endswith(" raising") for frame in last["frames"])


def test_the_words_of_the_system_and_of_our_own_errors_are_kept(lines: Any) -> None:
    from chassis.database_errors import DatabaseUnavailable

    log.error("a", exc_info=ConnectionRefusedError(111, "Connection refused"))
    log.error("b", exc_info=DatabaseUnavailable("pool exhausted"))

    assert [line["exception"][0]["message"] for line in lines()] == ["[Errno 111] Connection refused", "pool exhausted"]


def test_a_forgotten_task_does_not_spill_the_text_of_its_exception(lines: Any) -> None:
    async def forget() -> None:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "Task exception was never retrieved", "future": ValueError("王建国")})

    asyncio.run(forget())
    (line,) = lines()
    assert line["event"] == "Task exception was never retrieved"
    assert "王建国" not in json.dumps(line, ensure_ascii=False)


def test_an_uncaught_exception_is_a_line_and_not_a_traceback(
    lines: Any, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    sys.excepthook(ValueError, ValueError("王建国"), None)
    written = capsysbinary.readouterr()

    assert json.loads(written.out)["exception"][0]["type"] == "builtins.ValueError"
    assert "王建国".encode() not in written.out + written.err


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
