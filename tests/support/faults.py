"""What the tests of faults saw, one line each, for the table in docs/reliability.md: .local/test/faults.log."""

from __future__ import annotations

from datetime import UTC, datetime

from support.stack import TEST_DATA


def note(fault: str, seen: str, repaired_in: float) -> None:
    """`repaired_in`: seconds from the end of the fault until everything accepted had its effect."""
    with (TEST_DATA / "faults.log").open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {fault}: {seen}; repaired in {repaired_in:.1f} s\n")
