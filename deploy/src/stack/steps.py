"""One-shot steps of a start: a migration, a download. Each has its log; a failing one tells its last lines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.keeper import StartFailedError
from stack.logs import rotate
from stack.spawn import bound_to_parent


@dataclass(frozen=True)
class Step:
    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    log: Path


async def run_step(step: Step, *, say: Callable[[str], None] | None = None) -> None:
    """Raises StartFailedError. Cancelled, it ends the step."""
    step.folder.mkdir(parents=True, exist_ok=True)
    rotate(step.log)
    process = await asyncio.create_subprocess_exec(
        *bound_to_parent(step.command),
        env=dict(step.env),
        cwd=step.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None
        with step.log.open("w") as log:
            while line := (await process.stdout.readline()).decode(errors="replace"):
                log.write(line)
                lines.append(line.rstrip())
                if say is not None:
                    say(lines[-1])
        code = await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if code:
        last = "\n".join(f"    {line[:500]}" for line in lines[-15:])
        raise StartFailedError(f"{step.name} failed with {code}; {step.log} ends:\n{last}")
