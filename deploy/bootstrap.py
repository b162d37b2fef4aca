"""Makes `.venv` from requirements.lock, once; again only when the lock or a package's description has changed.

Runs on the system's Python, so it imports nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
import venv
from importlib.util import find_spec
from pathlib import Path

from pythons import NEWEST, OLDEST, best

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
STAMP = VENV / ".made-from"
LOCK = ROOT / "requirements.lock"
PACKAGES = [
    "schemas",
    "services/chassis",
    "services/intake-svc",
    "services/triage-svc",
    "services/mediation-svc",
    "services/followup-svc",
    "deploy",
]
QUIETLY = [
    "--no-compile",
    "--disable-pip-version-check",
    "--root-user-action=ignore",
    "--progress-bar=off",
    "--no-warn-script-location",
]


def main() -> int:
    """With `--best` the Python is ours to choose; without, it is the one that runs this."""
    is_ours_to_choose = "--best" in sys.argv[1:]
    if is_made(by_any=is_ours_to_choose):
        return 0
    if is_ours_to_choose:
        python = best()
        if not os.path.samefile(python, sys.executable):
            say(f"Python: taking {python}, built with a profile and a third faster (PYTHON=… chooses another)")
            os.execv(python, [python, __file__])  # noqa: S606
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return refuse(f"Python 3.11 to 3.14 is needed, {sys.executable} is {sys.version.split()[0]}: set PYTHON=…")
    (ROOT / ".local").mkdir(exist_ok=True)
    with (ROOT / ".local/bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return 0 if is_made() else build()


def build() -> int:
    pip = find_pip()
    if not pip:
        return refuse(
            "缺少 pip：请安装 python3-venv 软件包 / this Python has neither ensurepip nor pip: "
            "install the package python3-venv (apt install python3-venv) or python3-pip, then run make again"
        )
    STAMP.unlink(missing_ok=True)
    count = sum("==" in line and not line.startswith((" ", "#")) for line in LOCK.read_text().splitlines())
    locked = [*pip, "install", *QUIETLY, "--no-deps", "--require-hashes", "--requirement", str(LOCK)]
    ours = [word for package in PACKAGES for word in ("--editable", str(ROOT / package))]
    steps = [
        (f"Python: {count} packages from requirements.lock into .venv (once, half a minute or so)", locked),
        (
            "Python: our seven packages, editable",
            [*pip, "install", *QUIETLY, "--no-deps", "--no-build-isolation", "--no-index", *ours],
        ),
    ]
    for text, command in steps:
        if code := step(text, command):
            return code
    STAMP.write_text("\n".join(made_from()))
    return 0


def find_pip() -> list[str]:
    """The command that installs into `.venv`, which is made here. Debian splits ensurepip off its Python."""
    inner = [str(PYTHON), "-m", "pip"]
    if find_spec("ensurepip") is not None:
        if not works() or not answers([*inner, "--version"]):
            say("Python: making .venv")
            venv.create(VENV, clear=True, with_pip=True, symlinks=True)
        return inner
    if find_spec("pip") is None:
        return []
    if not works():
        say("Python: making .venv without ensurepip, with the pip of the system")
        venv.create(VENV, clear=True, with_pip=False, symlinks=True)
    return [sys.executable, "-m", "pip", "--python", str(PYTHON)]


def works() -> bool:
    """Whether `.venv` is of this Python and still in the place it was made for."""
    question = "import sys; print(sys.version_info[:2], sys.base_prefix, sys.prefix)"
    if not PYTHON.exists():
        return False
    done = subprocess.run([str(PYTHON), "-c", question], capture_output=True, text=True, check=False)
    return done.stdout.strip() == f"{sys.version_info[:2]} {sys.base_prefix} {VENV}"


def answers(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def step(text: str, command: list[str]) -> int:
    say(f"{text} …")
    started = time.monotonic()
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            lines.append(line.rstrip())
            show_progress(lines)
    if pip.returncode:
        print("\n".join(lines[-15:]), flush=True)
        return refuse(
            "pip 安装失败，首次运行需要网络 / pip failed (the first run needs the network); its words stand above"
        )
    say(f"    done in {time.monotonic() - started:.0f} s")
    return 0


def show_progress(lines: list[str]) -> None:
    """Every tenth package, and pip's one long silence at the end."""
    collected = sum(line.startswith("Collecting ") for line in lines)
    if lines[-1].startswith("Collecting ") and collected % 10 == 0:
        say(f"    {collected} fetched, now {lines[-1].split()[1].partition('==')[0]}")
    elif lines[-1].startswith("Installing collected packages"):
        say("    installing them")


def is_made(*, by_any: bool = False) -> bool:
    """From what is there now, by a Python of this release or by any."""
    made = STAMP.read_text().split() if STAMP.exists() else []
    wanted = made_from()
    return made == wanted or (by_any and made[1:] == wanted[1:])


def made_from() -> list[str]:
    """The Python's release, and a digest of the lock, the packages' descriptions and the place."""
    digest = hashlib.sha256(str(ROOT).encode())
    for file in [LOCK, *(ROOT / package / "pyproject.toml" for package in PACKAGES)]:
        digest.update(file.read_bytes())
    return ["{}.{}".format(*sys.version_info), digest.hexdigest()]


def say(text: str) -> None:
    print(text, flush=True)


def refuse(text: str) -> int:
    print(text, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
