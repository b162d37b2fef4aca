"""The sample calls, numbered anew and with callers of their own on each run.

A second run with the first one's numbers would be forty repeats, and with its callers forty duplicates: nothing
would travel. The people and what they say are made up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[3] / "sample" / "calls.jsonl"
SOURCE = "hongkou-110"
SHANGHAI = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Sample:
    kind: str
    call_no: str
    body: Mapping[str, Any]


def read_samples(file: Path, *, now: datetime) -> list[Sample]:
    run = now.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [_sample(row, f"DEMO-{run}-{number:03d}", run, now=now) for number, row in enumerate(rows, start=1)]


def _sample(row: Mapping[str, Any], call_no: str, run: str, *, now: datetime) -> Sample:
    reported_at = now.astimezone(SHANGHAI) - timedelta(minutes=row["minutes_before"])
    body = {
        "source": SOURCE,
        "call_no": call_no,
        "content": row["content"],
        "reported_at": reported_at.isoformat(timespec="seconds"),
        "tags": "样例",
        **{name: row[name] for name in ("caller_name", "jurisdiction_code", "incident_address") if name in row},
    }
    if household := row.get("household"):
        phone, room = _of_this_run(household, run)
        body |= {"caller_phone": phone, "incident_address": f"{row['incident_address']}{room}室"}
    return Sample(row["kind"], call_no, body)


def _of_this_run(household: str, run: str) -> tuple[str, int]:
    """One phone and one room per household and run: a call again from the same household is the same caller."""
    digest = hashlib.sha256(f"{household} {run}".encode()).digest()
    return f"13{int.from_bytes(digest[:8]) % 10**9:09d}", 101 + int.from_bytes(digest[8:12]) % 2000
