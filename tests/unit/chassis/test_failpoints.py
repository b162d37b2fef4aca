from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chassis import failpoints
from chassis.failpoints import FailpointError, failpoint


@pytest.fixture(autouse=True)
def _off_afterwards() -> Iterator[None]:
    yield
    failpoints.configure(None, "")


def in_a_process(folder: Path, name: str) -> subprocess.CompletedProcess[bytes]:
    program = (
        "import sys; from pathlib import Path; from chassis.failpoints import configure, failpoint;"
        "configure(Path(sys.argv[1]), 'intake-worker'); failpoint(sys.argv[2]); print('passed')"
    )
    return subprocess.run([sys.executable, "-c", program, str(folder), name], capture_output=True, check=False)


def test_nothing_happens_while_failpoints_are_off(tmp_path: Path) -> None:
    (tmp_path / "intake-worker.relay.after_ack").write_text("raise")
    failpoint("relay.after_ack")

    assert (tmp_path / "intake-worker.relay.after_ack").exists()


def test_nothing_happens_where_nothing_is_armed_for_this_process(tmp_path: Path) -> None:
    (tmp_path / "triage-worker.relay.after_ack").write_text("raise")
    failpoints.configure(tmp_path, "intake-worker")
    failpoint("relay.after_ack")
    failpoint("relay.before_send")

    assert [path.name for path in tmp_path.iterdir()] == ["triage-worker.relay.after_ack"]


def test_an_armed_fault_is_met_once_and_leaves_its_proof(tmp_path: Path) -> None:
    (tmp_path / "intake-worker.relay.after_ack").write_text("raise\n")
    failpoints.configure(tmp_path, "intake-worker")

    with pytest.raises(FailpointError, match=r"relay\.after_ack"):
        failpoint("relay.after_ack")
    failpoint("relay.after_ack")

    assert [path.name for path in tmp_path.iterdir()] == ["intake-worker.relay.after_ack.met"]


def test_a_fault_happens_even_where_its_proof_is_taken_away_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "intake-worker.relay.after_ack").write_text("raise")
    failpoints.configure(tmp_path, "intake-worker")
    rename = os.rename

    def seen_at_once(old: str, new: str) -> None:
        rename(old, new)
        if new.endswith(".met"):
            os.unlink(new)

    monkeypatch.setattr(os, "rename", seen_at_once)
    with pytest.raises(FailpointError, match=r"relay\.after_ack"):
        failpoint("relay.after_ack")


def test_kill_is_a_kill_9_and_exit_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "intake-worker.a").write_text("kill")
    (tmp_path / "intake-worker.b").write_text("exit")

    killed, gone, alive = (in_a_process(tmp_path, name) for name in "abc")

    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, b"")
    assert (gone.returncode, gone.stdout) == (1, b"")
    assert (alive.returncode, alive.stdout) == (0, b"passed\n")


async def test_hang_stops_the_whole_loop(tmp_path: Path) -> None:
    (tmp_path / "intake-worker.a").write_text("hang 0.3")
    failpoints.configure(tmp_path, "intake-worker")
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    await asyncio.sleep(0)
    before, began = beats, time.monotonic()
    failpoint("a")
    assert time.monotonic() - began >= 0.3
    assert beats == before
    beating.cancel()


def test_an_order_nobody_knows_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "intake-worker.a").write_text("explode")
    failpoints.configure(tmp_path, "intake-worker")

    with pytest.raises(FailpointError, match="unknown order"):
        failpoint("a")
