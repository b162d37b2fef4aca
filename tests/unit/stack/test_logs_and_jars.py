"""Log files with a prefix on every line; the list of jars."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from stack import jars
from stack.logs import ProcessLog


async def test_every_line_has_its_time_and_process_however_the_bytes_arrive(tmp_path: Path) -> None:
    log = ProcessLog(tmp_path, "intake-api")
    stream = asyncio.StreamReader()
    for chunk in (b"one\ntw", b"o\n\xe4\xbd", b"\xa0\xe5\xa5\xbd\nunfinished"):
        stream.feed_data(chunk)
    stream.feed_eof()
    await log.pump(stream)
    log.close()
    lines = (tmp_path / "intake-api.log").read_text().splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d\.\d{3} intake-api \| ", "", line) for line in lines] == [
        "one",
        "two",
        "你好",
        "unfinished",
    ]


def test_the_log_of_the_last_start_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    for start in range(5):
        log = ProcessLog(tmp_path, "kafka")
        log.note(f"start {start}")
        log.close()
    kept = {file.name: file.read_text()[-2] for file in tmp_path.iterdir()}
    assert kept == {"kafka.log": "4", "kafka.log.1": "3", "kafka.log.2": "2", "kafka.log.3": "1"}


def test_kafka_is_46_jars_each_pinned_by_version_and_digest() -> None:
    listed = jars.listed()
    assert len({jar.file_name for jar in listed}) == 46
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in listed)
    assert jars.kafka_version(listed) == "4.3.1"
