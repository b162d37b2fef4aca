"""A toy's relay as a process of its own, to be stopped and killed: `python -m support.toy_relay '{…}'`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer
from chassis import failpoints
from chassis.database import Database
from chassis.delivery import relay as relays
from chassis.delivery.lanes import Lanes
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.states import States
from support.toys import Toy, states_of

LIMIT_SECONDS = 1.0


async def relay_of(service: str, url: str, bootstrap_servers: str, topic: str, status_topic: str) -> None:
    database = Database(url, process=f"{service}-relay")
    topics_stand = asyncio.Event()
    topics_stand.set()
    clock = asyncio.get_running_loop().time
    relays.SEND_SECONDS = 60.0  # one that was stopped sends what it had in hand, however slow the machine is
    relay = relays.Relay(
        Lanes(database.dedicated, service),
        lambda: AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True, acks="all"),
        BrokerMarks(service),
        States({status_topic: states_of(service)}, service, limit_seconds=LIMIT_SECONDS, clock=clock),
        service,
        topic,
        wake=asyncio.Event(),
        topics_stand=topics_stand,
    )
    await relay.run()


class RelayProcess:
    def __init__(self, toy: Toy, folder: Path, name: str) -> None:
        self.name, self._folder = name, folder
        told = {
            "service": toy.service, "url": toy.settings.database_url, "topic": toy.contracts.topic,
            "bootstrap_servers": toy.settings.kafka_bootstrap_servers, "status_topic": toy.status_topic,
        }  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "FAILPOINTS": str(folder)}
        command = [sys.executable, "-m", "support.toy_relay", name, json.dumps(told)]
        self._process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def met(self, failpoint: str) -> bool:
        return (self._folder / f"{self.name}.{failpoint}.met").exists()

    def stop(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def is_gone(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def relay_process(toy: Toy, folder: Path, name: str, **failpoint: str) -> Iterator[RelayProcess]:
    """`failpoint` by name, `_` for a dot, and what it is to do."""
    for point, order in failpoint.items():
        (folder / f"{name}.relay.{point}").write_text(order)
    process = RelayProcess(toy, folder, name)
    try:
        yield process
    finally:
        process.kill()


if __name__ == "__main__":
    failpoints.configure(Path(os.environ["FAILPOINTS"]), sys.argv[1])
    asyncio.run(relay_of(**json.loads(sys.argv[2])))
