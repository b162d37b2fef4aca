"""Places where a test can stop a process for certain, instead of hoping to hit the moment.

A fault is armed by a file `<dir>/<process>.<name>` holding `kill`, `raise`, `exit` or `hang SECONDS`.
The process that meets it renames it, reads it, renames it to `….met` and then does what it says: one file, one fault,
and proof of it that may be taken away as soon as it is seen.
"""

import os
import signal
import time
from pathlib import Path


class FailpointError(Exception):
    """A fault that a test has asked for."""


_armed: tuple[str, str] | None = None


def configure(directory: Path | None, process: str) -> None:
    """Switch failpoints on for this process; None switches them off."""
    global _armed
    _armed = None if directory is None else (os.fspath(directory), process)


def failpoint(name: str) -> None:
    """Nothing at all unless configured; then one rename, which fails while nothing is armed."""
    if _armed is None:
        return
    directory, process = _armed
    place = f"{directory}/{process}.{name}"
    taken = f"{place}.taken"
    try:
        os.rename(place, taken)
    except OSError:
        return
    order = Path(taken).read_text(encoding="utf-8").split()
    os.rename(taken, f"{place}.met")
    _meet(name, order)


def _meet(name: str, order: list[str]) -> None:
    match order:
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["exit"]:
            os._exit(1)
        case ["hang", seconds]:
            time.sleep(float(seconds))  # blocks the event loop on purpose: that is the fault
        case ["raise"]:
            raise FailpointError(name)
        case _:
            raise FailpointError(f"{name}: unknown order {order}")
