"""Which of a machine's Pythons runs everything: two builds of one release may differ by a third in speed.

One that was compiled without a profile, as some installers do, is the slower. No flag says so for certain, so the
candidates are timed. Nothing but the standard library is imported: this runs before `.venv` is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
NAMES = ("python3", *(f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)))
WORTH = 0.9
"""Of the first one's time: for less than a tenth nobody is surprised by another Python than the one he calls."""
_ROUNDS = 3
_SECONDS = 20.0

_WHO = """
import sys
from importlib.util import find_spec
if find_spec("ensurepip") or find_spec("pip"):
    print(*sys.version_info[:2], sys.executable)
"""
_TIMED = """
import time
def work():
    seen = {}
    for number in range(30_000):
        key = f"{number % 97}"
        seen[key] = seen.get(key, 0) + number * number
    return seen
best = 60.0
for _ in range(5):
    started = time.process_time()
    work()
    best = min(best, time.process_time() - started)
print(best)
"""


def fastest(first: str = sys.executable) -> str:
    """The path of the Python to take: `first`, unless another one that can make a `.venv` is a tenth faster."""
    others = [other for other in found_on(os.get_exec_path()) if not os.path.samefile(other, first)]
    if not others:
        return first
    seconds = dict.fromkeys([first, *others], _SECONDS)
    for _ in range(_ROUNDS):
        for python in seconds:
            seconds[python] = min(seconds[python], _timed(python))
    best = min(seconds, key=seconds.__getitem__)
    return best if seconds[best] < seconds[first] * WORTH else first


def found_on(folders: list[str]) -> Iterator[str]:
    """Each that fits, once. A name may be a script that starts another one, so each is asked who it is."""
    seen: set[str] = set()
    for folder in folders:
        for name in NAMES:
            path = Path(folder) / name
            if not os.access(path, os.X_OK):
                continue
            *version, executable = _answer(str(path), _WHO).split(maxsplit=2) or ["0", "0", ""]
            real = os.path.realpath(executable)
            if executable and OLDEST <= (int(version[0]), int(version[1])) <= NEWEST and real not in seen:
                seen.add(real)
                yield executable


def _timed(python: str) -> float:
    return float(_answer(python, _TIMED) or _SECONDS)


def _answer(python: str, program: str) -> str:
    """Isolated: what a user's environment adds is of no interest. Nothing, where it cannot be run."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", program], capture_output=True, text=True, check=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
