"""Lines of a file → calls to send, or reasons why a line is none: every line that is not blank becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from stack.feed.invented import invent


@dataclass(frozen=True)
class Reason:
    code: str
    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.code}: {self.zh} / {self.en}"


@dataclass(frozen=True)
class CallRow:
    line: int
    source: str
    call_no: str
    body: dict[str, Any]
    original: Any
    first_line: int | None = None  # the earlier line that already has this call number

    @property
    def key(self) -> tuple[str, str]:
        return self.source, self.call_no


@dataclass(frozen=True)
class BadRow:
    line: int
    original: Any
    reason: Reason


def read_rows(lines: Iterable[bytes], *, source: str) -> Iterator[CallRow | BadRow]:
    """`source` is that of rows which name none: every narrative, and calls without it."""
    first_seen: dict[tuple[str, str], tuple[int, int]] = {}
    row = 0
    for number, line in enumerate(lines, start=1):
        if not (text := line.removeprefix(b"\xef\xbb\xbf").strip()):
            continue
        read = _read(text, number, source=source, row=row)
        if isinstance(read, CallRow):
            first_line, first_row = first_seen.setdefault(read.key, (number, row))
            if first_line != number:
                read = _again(read, first_line, first_row)
        yield read
        row += 1


def _read(text: bytes, line: int, *, source: str, row: int) -> CallRow | BadRow:
    try:
        original = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raw = text.decode("utf-8", "backslashreplace")
        return BadRow(line, raw, Reason("not_json", "该行不是有效的 JSON", f"the line is not valid JSON: {error}"))
    if not isinstance(original, dict):
        return BadRow(line, original, Reason("not_an_object", "该行不是 JSON 对象", "the line is not a JSON object"))
    if "call_no" in original or "content" in original:
        return _call(original, line, source)
    if "text" in original or "id" in original:
        return _narrative(original, line, source, row)
    reason = Reason(
        "unknown_kind", "既不是警情也不是叙述", "neither a call (call_no, content) nor a narrative (id, text)"
    )
    return BadRow(line, original, reason)


def _call(original: dict[str, Any], line: int, source: str) -> CallRow | BadRow:
    """Sent as it is; what else is wrong with it, the service says."""
    if (call_no := _identifier(original.get("call_no"))) is None:
        return BadRow(line, original, Reason("no_call_no", "缺少警情编号 call_no", "call_no is missing or empty"))
    body = original if "source" in original else {"source": source, **original}
    return CallRow(line, str(body["source"]), call_no, body, original)


def _narrative(original: dict[str, Any], line: int, source: str, row: int) -> CallRow | BadRow:
    """Label and note stay at home: they are what the classifier is judged by."""
    if (row_id := _identifier(original.get("id"))) is None:
        return BadRow(line, original, Reason("no_id", "缺少编号 id", "id is missing or empty"))
    text = original.get("text")
    if not isinstance(text, str) or not text.strip():
        return BadRow(line, original, Reason("no_text", "缺少内容 text", "text is missing or empty"))
    body = {"source": source, "call_no": row_id, "content": text, **invent(row_id, row=row)}
    return CallRow(line, source, row_id, body, original)


def _again(read: CallRow, first_line: int, first_row: int) -> CallRow:
    """A narrative met again is reported at its first row's minute, or the repeat would look like another call."""
    body = read.body
    if body is not read.original and "text" in read.original and "call_no" not in read.original:
        body = {**body, "reported_at": invent(read.call_no, row=first_row)["reported_at"]}
    return CallRow(read.line, read.source, read.call_no, body, read.original, first_line)


def _identifier(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip() or None
