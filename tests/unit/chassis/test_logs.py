from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from support.logged import lines as lines

log = structlog.get_logger()


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


@pytest.mark.usefixtures("lines")
def test_chinese_is_written_as_chinese(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    log.info("started", office="四川北路")

    assert "四川北路".encode() in capsysbinary.readouterr().out


def test_what_is_below_the_level_is_not_written(lines: Any) -> None:
    log.debug("quiet")
    logging.getLogger("uvicorn.error").debug("quiet")

    assert lines() == []


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


def test_what_is_no_plain_value_is_told_by_its_kind(lines: Any) -> None:
    @dataclass
    class Caller:
        known_as: str

    log.info("slip", error=ValueError("王建国"), caller=Caller("王建国"), took=timedelta(seconds=2), id=UUID(int=1))

    (line,) = lines()
    assert (line["error"], line["caller"], line["took"]) == ("ValueError", "<Caller>", "0:00:02")
    assert line["id"] == str(UUID(int=1))
