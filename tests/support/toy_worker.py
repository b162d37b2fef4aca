"""A toy's worker as a process of its own, to be stopped, killed and told to end: `-m support.toy_worker`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from chassis import failpoints, logs
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery import Delivery, Handlers
from chassis.serve import run_worker
from chassis.settings import ServiceSettings
from stack.ready import worker_answers
from support.stack import eventually, free_port
from support.toys import HANDLERS, Pinged, Toy, ToyWork, contracts_of, on_pinged

DEADLY = 666
"""Whoever handles this number is gone, as by kill -9."""


def on_deadly(event: Pinged, work: ToyWork) -> None:
    if event.n == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    on_pinged(event, work)


def run(service: str, suffix: str, settings: dict[str, Any]) -> int:
    told = ServiceSettings(**settings)
    handlers: Handlers = {**HANDLERS[service], **({Pinged: on_deadly} if service == "pong" else {})}
    database = Database(told.database_url, process=f"{service}-worker", pool_size=told.pool_size)

    def make_work(now: datetime) -> ToyWork:
        return ToyWork(now, schema=service)

    async def work() -> None:
        try:
            await Delivery(told, contracts_of(service, suffix), handlers, make_work, database, Clock()).run()
        finally:
            await database.close()

    return run_worker(work())


class WorkerProcess:
    def __init__(self, toy: Toy, folder: Path, name: str) -> None:
        self.port, self._folder, self._name = free_port(), folder, name
        settings = toy.settings.model_dump(mode="json") | {
            "wake_port": self.port, "failpoints_dir": str(folder), "database_url": toy.settings.database_url,
        }  # fmt: skip
        suffix = toy.contracts.topic.split(".", 1)[1]
        self._command = [
            sys.executable, "-m", "support.toy_worker",
            json.dumps({"service": toy.service, "suffix": suffix, "settings": settings}), name,
        ]  # fmt: skip
        self.log = folder / f"{name}.log"
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)

    def arm(self, point: str, order: str) -> None:
        (self._folder / f"{self._name}.{point}").write_text(order)

    def met(self, point: str) -> bool:
        return (self._folder / f"{self._name}.{point}.met").exists()

    def is_gone(self) -> bool:
        return self._process.poll() is not None

    async def ready(self) -> None:
        await eventually(lambda: self.is_gone() or worker_answers(self.port), within=40)
        assert not self.is_gone(), self.log.read_text()[-3000:]

    async def ended(self, *, within: float = 30) -> int:
        """Its exit code, negative for a signal."""
        await eventually(self.is_gone, within=within)
        return int(self._process.returncode)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def worker_process(toy: Toy, folder: Path, name: str = "worker", **failpoint: str) -> Iterator[WorkerProcess]:
    """`failpoint` by name, `_` for the first dot, and what it is to do."""
    for point, order in failpoint.items():
        (folder / f"{name}.{point.replace('_', '.', 1)}").write_text(order)
    process = WorkerProcess(toy, folder, name)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()


if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    logs.configure(sys.argv[2], "info")
    failpoints.configure(Path(wanted["settings"]["failpoints_dir"]), sys.argv[2])
    sys.exit(run(**wanted))
