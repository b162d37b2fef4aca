"""One supervised process: small ones of our own, each with one bad habit."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from stack.keeper import Keeper, StartFailedError
from stack.parts import Part
from stack.spawn import bound_to_parent
from support.stack import eventually

GROUPED = Path("/proc/sys/kernel/sched_autogroup_enabled")


async def at_once() -> bool:
    return True


@pytest.fixture
def folder(test_folder: Path, request: pytest.FixtureRequest) -> Path:
    own: Path = test_folder / request.node.name
    own.mkdir()
    return own


def keeper_of(
    program: str,
    folder: Path,
    *,
    is_ready: Callable[[], Awaitable[bool]] = at_once,
    stop_seconds: float = 5.0,
    niceness: int = 0,
) -> Keeper:
    command = bound_to_parent([sys.executable, "-c", textwrap.dedent(program), str(folder)])
    part = Part("habit", command, os.environ, is_ready, stop_seconds=stop_seconds, niceness=niceness)
    return Keeper(part, folder=folder / "run", logs=folder, changed=lambda: None)


async def test_what_dies_is_started_again_at_once_and_its_words_are_kept(folder: Path) -> None:
    keeper = keeper_of("import time; print('你好', flush=True); time.sleep(60)", folder)
    keeper.begin()
    try:
        await eventually(lambda: (folder / "habit.log").read_text().count(" habit | 你好") == 1)
        first = keeper.pid
        keeper.kill()
        await eventually(lambda: keeper.pid not in (None, first), within=1)
        await eventually(lambda: (folder / "habit.log").read_text().count(" habit | 你好") == 2)
    finally:
        await keeper.stop()
    assert keeper.pid is None


async def test_what_never_comes_up_is_given_up_with_the_last_words_of_its_log(folder: Path) -> None:
    async def never() -> bool:
        return False

    keeper = keeper_of("raise SystemExit('no password in INTAKE_X')", folder, is_ready=never)
    keeper.begin()
    with pytest.raises(StartFailedError, match=r"ended 5 times before it was ready(.|\n)*no password in INTAKE_X"):
        await keeper.until_ready(within=30)
    await keeper.stop()


async def test_what_ignores_sigterm_is_ended_with_everything_it_started(folder: Path) -> None:
    program = """
        import pathlib, signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        pathlib.Path(sys.argv[1], "child").write_text(str(child.pid))
        time.sleep(60)
    """
    keeper = keeper_of(program, folder, stop_seconds=0.3)
    keeper.begin()
    child_file = folder / "child"
    await eventually(lambda: child_file.exists() and child_file.read_text())
    pid = keeper.pid
    assert pid is not None
    await keeper.stop()
    await eventually(lambda: not psutil.pid_exists(pid) and gone(int(child_file.read_text())))


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_what_is_held_down_stays_down_until_it_is_let_go(folder: Path) -> None:
    keeper = keeper_of("import time; time.sleep(60)", folder)
    keeper.begin()
    await keeper.until_ready()
    async with keeper.held_down():
        assert keeper.pid is None
        assert not keeper.ready.is_set()
    await keeper.until_ready()
    await keeper.stop()


@pytest.mark.skipif(
    not GROUPED.exists() or GROUPED.read_text().strip() != "1", reason="this kernel does not group processes by session"
)
async def test_what_gives_way_does_so_again_after_a_restart_and_against_other_sessions(folder: Path) -> None:
    keeper = keeper_of("import time; time.sleep(60)", folder, niceness=5)
    keeper.begin()
    try:
        await eventually(lambda: gives_way(keeper.pid))
        first = keeper.pid
        keeper.kill()
        await eventually(lambda: keeper.pid != first and gives_way(keeper.pid))
    finally:
        await keeper.stop()


def gives_way(pid: int | None) -> bool:
    if pid is None or os.getpriority(os.PRIO_PROCESS, pid) != 5:
        return False
    return Path(f"/proc/{pid}/autogroup").read_text().split()[-2:] == ["nice", "5"]
