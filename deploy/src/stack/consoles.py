"""Where the tools print: as wide as the terminal, and wide enough for tables where there is none."""

from __future__ import annotations

import sys

from rich.console import Console

WIDTH_OF_A_FILE = 120


def standard_output() -> Console:
    if sys.stdout.isatty():
        return Console()
    return Console(width=WIDTH_OF_A_FILE, soft_wrap=True)
