"""Which of a machine's Pythons runs everything: one that was compiled without a profile needs a third more time.

Some installers build such. Nothing but the standard library is imported: this runs before `.venv` is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
NAMES = ("python3", *(f"python3.{minor}" for minor in range(OLDEST[1], NEWEST[1] + 1)))
_SECONDS = 20.0

# Debian builds its own with a profile and keeps the flag to itself; whoever else does names it.
_WHO = """
import sys, sysconfig
from importlib.util import find_spec
if find_spec("ensurepip") or find_spec("pip"):
    told = sysconfig.get_config_var("CONFIG_ARGS") or ""
    is_profiled = "--enable-optimizations" in told or sys.base_prefix == "/usr"
    print(*sys.version_info[:2], int(is_profiled), sys.executable)
"""


@dataclass(frozen=True)
class Python:
    path: str
    is_profiled: bool


def best(first: str = sys.executable) -> str:
    """The path of the Python to take: `first`, unless it was built without a profile and another one with."""
    own = _asked(first)
    if own is None or own.is_profiled:
        return first
    return next((other.path for other in found_on(os.get_exec_path()) if other.is_profiled), first)


def found_on(folders: list[str]) -> Iterator[Python]:
    """Each that can make a `.venv`, once. A name may be a script that starts another one: each is asked who it is."""
    seen: set[str] = set()
    for folder in folders:
        for name in NAMES:
            python = _asked(str(Path(folder) / name))
            if python and (real := os.path.realpath(python.path)) not in seen:
                seen.add(real)
                yield python


def _asked(path: str) -> Python | None:
    """Isolated: what a user's environment adds is of no interest. Nothing, where it does not run or does not fit."""
    if not os.access(path, os.X_OK):
        return None
    try:
        done = subprocess.run([path, "-I", "-c", _WHO], capture_output=True, text=True, check=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return None
    words = done.stdout.strip().split(maxsplit=3)
    if len(words) < 4 or not OLDEST <= (int(words[0]), int(words[1])) <= NEWEST:
        return None
    return Python(words[3], is_profiled=words[2] == "1")
