"""One log file per process, every line with its time and the name of the process; the last files are kept."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

KEPT = 3
LARGEST = 64 * 1024 * 1024


def rotate(file: Path) -> None:
    """`x.log` becomes `x.log.1` and so on; the oldest goes."""
    for age in range(KEPT, 0, -1):
        older = file.with_name(f"{file.name}.{age}")
        newer = file if age == 1 else file.with_name(f"{file.name}.{age - 1}")
        if newer.exists():
            newer.replace(older)


class ProcessLog:
    def __init__(self, folder: Path, name: str) -> None:
        self.file = folder / f"{name}.log"
        self.tail: deque[str] = deque(maxlen=40)
        self._prefix = f"{name} | ".encode()
        rotate(self.file)
        self._open()

    def _open(self) -> None:
        self._out: BinaryIO = self.file.open("ab", buffering=0)
        self._size = 0

    def note(self, text: str) -> None:
        """A line of the supervisor's own about this process."""
        self._write([f"supervisor: {text}".encode()])

    async def pump(self, stream: asyncio.StreamReader) -> None:
        """Until the stream ends. Lines of any length; an unfinished last line is written too."""
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LARGEST // 64:
                lines, rest = [*lines, rest], b""
            self._write(lines)
        if rest:
            self._write([rest])

    def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        now = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3].encode()
        block = b"".join(now + b" " + self._prefix + line + b"\n" for line in lines)
        self._out.write(block)
        self._size += len(block)
        self.tail.extend(line.decode(errors="replace")[:500] for line in lines[-40:])
        if self._size > LARGEST:
            self.close()
            rotate(self.file)
            self._open()

    def close(self) -> None:
        self._out.close()
