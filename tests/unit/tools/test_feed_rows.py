"""Lines of a feed file: every line that is not blank becomes a call to send or a named reason."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from stack.feed.invented import ROADS_BY_STATION, invent
from stack.feed.rows import BadRow, CallRow, read_rows


def read(*rows: Any, source: str = "feed") -> list[CallRow | BadRow]:
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    return list(read_rows(lines, source=source))


def the_call(row: CallRow | BadRow) -> CallRow:
    assert isinstance(row, CallRow), row
    return row


def test_a_narrative_becomes_a_call_without_label_and_note() -> None:
    row = {
        "id": "td-0001",
        "text": "楼上漏水",
        "label": "neighbour",
        "note": "custody",
        "source": "web",
        "origin": "qa",
    }
    call = the_call(read(row)[0])
    assert call.body["source"] == "feed"
    assert call.body["call_no"] == "td-0001"
    assert call.body["content"] == "楼上漏水"
    assert not {"label", "note", "origin", "id", "text"} & call.body.keys()


def test_rows_are_reported_a_minute_apart_from_new_year_on() -> None:
    first, third = read({"id": "a", "text": "x"}, b"", {"id": "b", "text": "x"}, {"id": "c", "text": "x"})[::2]
    assert the_call(first).body["reported_at"] == "2026-01-01T00:00:00+08:00"
    assert the_call(third).body["reported_at"] == "2026-01-01T00:02:00+08:00"


def test_a_call_is_sent_as_it_is() -> None:
    call = {
        "source": "hongkou-110",
        "call_no": "1",
        "content": "x",
        "reported_at": "2026-02-01T08:00:00+08:00",
        "new": [1],
    }
    assert the_call(read(call)[0]).body == call


def test_a_call_without_a_source_gets_the_one_of_the_command() -> None:
    assert the_call(read({"call_no": "1", "content": "x"}, source="jingan-110")[0]).body["source"] == "jingan-110"


def test_lines_that_are_no_calls_are_named_and_keep_their_line_numbers() -> None:
    rows = read(
        b"{broken", b"[1]", {"text": "no id"}, {"id": "x", "text": " "}, {"content": "y"}, {"foo": 1}, b"\xff\xfe"
    )
    assert [(row.line, row.reason.code) for row in rows if isinstance(row, BadRow)] == [
        (1, "not_json"),
        (2, "not_an_object"),
        (3, "no_id"),
        (4, "no_text"),
        (5, "no_call_no"),
        (6, "unknown_kind"),
        (7, "not_json"),
    ]


def test_a_duplicate_names_its_first_line_and_keeps_its_minute() -> None:
    rows = [the_call(row) for row in read({"id": "a", "text": "x"}, {"id": "b", "text": "x"}, {"id": "a", "text": "x"})]
    assert [row.first_line for row in rows] == [None, None, 1]
    assert rows[2].body == rows[0].body


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b'{"id": "a", "text": "x"}'), st.just(b'{"call_no": 1}'))))
def test_no_line_is_lost_whatever_it_holds(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b"") for line in lines]
    read_lines = [row.line for row in read_rows(lines, source="feed")]
    assert read_lines == [n for n, line in enumerate(lines, 1) if line.removeprefix(b"\xef\xbb\xbf").strip()]


@given(st.text(min_size=1))
def test_what_is_invented_is_well_formed_and_always_alike(row_id: str) -> None:
    made = invent(row_id, row=7)
    assert made == invent(row_id, row=7)
    assert re.fullmatch(r"1[3578]\d{9}", made["caller_phone"])
    assert made["jurisdiction_code"] in ROADS_BY_STATION
    place = re.fullmatch(r"上海市虹口区(\D+?)(\d+)弄(\d+)号(\d+)室", made["incident_address"])
    assert place is not None
    assert place[1] in ROADS_BY_STATION[made["jurisdiction_code"]]


def test_all_eight_stations_are_drawn_and_callers_differ() -> None:
    made = [invent(f"td-{n:04d}", row=n) for n in range(606)]
    assert len({one["jurisdiction_code"] for one in made}) == 8
    assert len({(one["caller_phone"], one["incident_address"]) for one in made}) == 606
