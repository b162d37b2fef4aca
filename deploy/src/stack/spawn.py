"""How a child process is started so that it never outlives its supervisor, and never runs PostgreSQL as root."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from functools import cache

DAC_OVERRIDE = 1


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
