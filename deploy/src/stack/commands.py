"""`run`, `up`, `down`: what the make targets call, with their exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from stack import leftovers, logs
from stack.jars import JarsUnavailableError
from stack.keeper import StartFailedError
from stack.launch import Stack, running_stack
from stack.layout import Layout
from stack.leftovers import AlreadyRunningError
from stack.parts import Overrides, python_environment
from stack.ports import PortTakenError
from stack.postgres import PostgresNotInstalledError
from stack.spawn import bound_to_parent

OK, FAILED, RUNS_ALREADY, PORT_TAKEN = 0, 1, 3, 4
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DOWN_SECONDS = 45.0
KNOWN_FAILURES = (StartFailedError, JarsUnavailableError, PostgresNotInstalledError, OSError)


def say(text: str) -> None:
    """A line, at once: whoever redirects us to a file watches it grow."""
    try:
        print(text, flush=True)
    except OSError:  # the terminal or pipe is gone; the stack still has to be stopped in order
        return


def run() -> int:
    """In the foreground, with the demonstration; until a signal."""
    return supervise(with_demonstration=True)


def serve() -> int:
    """What `up` leaves running: the same without the demonstration."""
    return supervise(with_demonstration=False)


def supervise(*, with_demonstration: bool) -> int:
    return asyncio.run(serve_until_told(Layout.from_environment(), with_demonstration=with_demonstration))


async def serve_until_told(layout: Layout, *, with_demonstration: bool) -> int:
    serving = asyncio.create_task(start_and_serve(layout, with_demonstration=with_demonstration))
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop_once, serving)
    try:
        return await serving
    except asyncio.CancelledError:
        say("stopped; no process is left")
        return OK


def stop_once(serving: asyncio.Task[int]) -> None:
    """A second signal does not disturb the stopping that the first one began."""
    if not serving.cancelling():
        say("stopping …")
        serving.cancel()


async def start_and_serve(layout: Layout, *, with_demonstration: bool) -> int:
    started = time.monotonic()
    try:
        overrides = demonstration(layout) if with_demonstration else {}
        async with running_stack(layout, overrides=overrides, say=say) as stack:
            say(f"everything is ready after {time.monotonic() - started:.1f} s; facts in {layout.facts}")
            if with_demonstration:
                if code := await demonstrate(stack):
                    say(f"the demonstration failed with {code}")
                    return FAILED
                say("ready")
            await asyncio.Event().wait()
    except AlreadyRunningError:
        pid = leftovers.supervisor_of(layout)
        say(f"a stack already runs here (supervisor {pid}): `make down` stops it, {layout.facts} describes it")
        return RUNS_ALREADY
    except PortTakenError as error:
        say(str(error))
        return PORT_TAKEN
    except KNOWN_FAILURES as error:
        say(f"the stack could not start: {error}")
        return FAILED
    return OK


def demonstration(layout: Layout) -> Overrides:
    """Visits in seconds, and a folder in which the demonstration may stage a fault."""
    return {"*": {"DEMO": "true", "FAILPOINTS_DIR": str(faults_of(layout))}}


def faults_of(layout: Layout) -> Path:
    return layout.working_folder("faults")


async def demonstrate(stack: Stack) -> int:
    """Sample calls and their journey, told by a child that shares our terminal."""
    words = [sys.executable, "-m", "stack", "demo", "--faults", str(faults_of(stack.layout))]
    process = await asyncio.create_subprocess_exec(
        *bound_to_parent(words), env=python_environment(), cwd=stack.layout.root
    )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def up() -> int:
    """Leaves a supervisor running on its own and comes back when everything is ready."""
    layout = Layout.from_environment()
    if (pid := leftovers.supervisor_of(layout)) is not None:
        return wait_for_other(layout, pid)
    layout.make_folders()
    log = layout.logs / "supervisor.log"
    logs.rotate(log)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "stack", "serve"],
            cwd=layout.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return follow(layout, child, log)


def follow(layout: Layout, child: subprocess.Popen[bytes], log: Path) -> int:
    """Shows the supervisor's log until it is ready or has given up; a signal meanwhile stops it."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
    with log.open(errors="replace") as lines:
        while True:
            is_ready, code = is_described(layout, child.pid), child.poll()
            for line in lines:
                say(line.rstrip("\n"))
            if code is not None:
                return code if code > 0 else FAILED
            if is_ready:
                say(f"up: supervisor {child.pid}, log {log}")
                return OK
            time.sleep(0.05)


def is_described(layout: Layout, supervisor: int) -> bool:
    """Whether this supervisor has said that all is ready; a killed one's file is still there for a moment."""
    try:
        return bool(json.loads(layout.facts.read_text())["supervisor"] == supervisor)
    except FileNotFoundError:
        return False


def wait_for_other(layout: Layout, pid: int) -> int:
    deadline = time.monotonic() + 120
    while not is_described(layout, pid) and leftovers.supervisor_of(layout) is not None:
        if time.monotonic() > deadline:
            say(f"the stack of supervisor {pid} is still not ready; see {layout.logs}")
            return FAILED
        time.sleep(0.2)
    if leftovers.supervisor_of(layout) is None:
        say("the stack that was there has just ended; start again")
        return FAILED
    say(f"a stack already runs here (supervisor {pid}); facts in {layout.facts}")
    return OK


def down() -> int:
    """Comes back when everything is gone; also after a supervisor that was killed."""
    layout = Layout.from_environment()
    pid = leftovers.supervisor_of(layout)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + DOWN_SECONDS
        while leftovers.supervisor_of(layout) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        with contextlib.suppress(psutil.NoSuchProcess):
            if leftovers.supervisor_of(layout) == pid:
                psutil.Process(pid).kill()
            psutil.Process(pid).wait(10)
    cleared = leftovers.clear(layout) if layout.state.exists() else 0
    layout.facts.unlink(missing_ok=True)
    say("down: everything is gone" if pid or cleared else "down: no stack was running here")
    return OK
