"""What a killed supervisor left behind, and how one stack makes sure that it is the only one in its folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from stack.layout import Layout

PROGRAMS = ("postgres", "initdb", "java", "setpriv", "python")


class AlreadyRunningError(RuntimeError):
    pass


@contextmanager
def sole_supervisor(layout: Layout) -> Iterator[None]:
    """Holds the folder's lock; the kernel gives it back however the holder dies. Raises AlreadyRunningError."""
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(f"a stack already runs in {layout.state}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
        file.truncate(0)


def supervisor_of(layout: Layout) -> int | None:
    """The pid of whoever holds the lock; None when nobody does."""
    try:
        with layout.lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
    except BlockingIOError:
        text = layout.lock.read_text().strip()
        return int(text) if text else 0
    except FileNotFoundError:
        return None


def left_behind(layout: Layout) -> list[psutil.Process]:
    """Processes of our kinds whose working directory is one that only our children ever get."""
    folders = (f"{layout.state.resolve()}/run/", f"{layout.postgres_data.resolve()}")
    found = []
    for process in psutil.process_iter():
        try:
            ours = process.cwd().startswith(folders) and process.name().startswith(PROGRAMS)
            if ours and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue
    return found


def clear(layout: Layout, *, patience: float = 5.0) -> int:
    """Waits a moment for what is on its way out (the kernel has told it), then ends the rest. How many there were."""
    seen: set[int] = set()
    deadline = time.monotonic() + patience
    while processes := left_behind(layout):
        seen |= {process.pid for process in processes}
        if time.monotonic() > deadline:
            for process in processes:
                kill(process)
        time.sleep(0.05)
    return len(seen)


def kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
