"""How a child process is started: it never outlives its supervisor, never runs PostgreSQL as root, and lets others go
first where they are waited for."""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

DAC_OVERRIDE = 1
ONE_CHANGE_SECONDS = 0.1
"""The kernel lets those who are not root change the niceness of one session so often, on the whole machine."""


def bound_to_parent(command: Sequence[str], *, signal: str = "KILL") -> list[str]:
    """The kernel sends `signal` to the command when the thread that started it dies, kill -9 included."""
    return ["setpriv", f"--pdeathsig={signal}", "--", *command]


def as_nobody(command: Sequence[str], *, signal: str = "KILL") -> list[str]:
    """Like `bound_to_parent`, and as user nobody when we are root.

    The project may lie under a home folder that nobody cannot enter. Instead of opening somebody's folders the
    process keeps one capability, DAC_OVERRIDE. Without `no_setuid_fixup` access(2), which PostgreSQL asks before
    it runs its own programs, would leave that capability out of account.
    """
    if os.geteuid() != 0:
        return bound_to_parent(command, signal=signal)
    user = nobody()
    words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if has_capability(DAC_OVERRIDE):
        words += [
            "--securebits=+no_setuid_fixup",
            "--inh-caps=+dac_override",
            "--ambient-caps=+dac_override",
        ]
    return [*words, f"--pdeathsig={signal}", "--", *command]


@cache
def nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def has_capability(number: int) -> bool:
    with open("/proc/self/status") as status:
        masks = [line.split()[1] for line in status if line.startswith("CapBnd:")]
    return bool(masks) and bool(int(masks[0], 16) >> number & 1)


async def give_way(pid: int, niceness: int) -> None:
    """As `nice` would. Where the kernel groups processes by session (sched_autogroup), which it does unless a service
    manager has put them into control groups, a process's own niceness counts only within its session, and the session
    has one too. Nothing is said when it cannot be set: it makes nothing right or wrong.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    for _ in range(50):
        try:
            await asyncio.to_thread(Path(f"/proc/{pid}/autogroup").write_text, str(niceness))
        except BlockingIOError:
            await asyncio.sleep(ONE_CHANGE_SECONDS)
        except OSError:
            return
        else:
            return
