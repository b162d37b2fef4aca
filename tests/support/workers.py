"""A service's worker as its own process, as the launcher starts it, beside a consumer's database."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

from aiokafka import AIOKafkaProducer
from chassis.delivery.gate import Arrival
from support.consumers import Consumer
from support.stack import eventually, free_port

SERVICES = ("intake", "triage", "mediation", "followup")


@asynccontextmanager
async def a_worker(service: str, consumer: Consumer, bootstrap_servers: str, folder: Path) -> AsyncIterator[int]:
    """Ready when the body begins; it must end by itself, with 0, on SIGTERM. Yields its pid."""
    port = free_port()
    env = consumer.issuer.environment(
        f"{service.upper()}_",
        DATABASE_URL=consumer.settings.database_url,
        KAFKA_BOOTSTRAP_SERVERS=bootstrap_servers,
        HTTP_PORT=str(port),
        PEERS=json.dumps(dict.fromkeys(SERVICES, "http://127.0.0.1:1")),  # nobody answers: no comparing, no repair
        SESSION_SECONDS="6",
    )
    process = _start([sys.executable, "-m", f"{service}_svc", "worker"], env, folder / f"{service}-worker.log")
    try:
        await eventually(lambda: process.poll() is not None or _answers_ready(port), within=40)
        assert process.poll() is None, (folder / f"{service}-worker.log").read_text()[-3000:]
        yield process.pid
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 15) == 0
    finally:
        process.kill()
        process.wait()


def _start(command: Sequence[str], env: Mapping[str, str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as log:
        return subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)


def _answers_ready(port: int) -> bool:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as asker:
        asker.settimeout(0.2)
        try:
            asker.sendto(b"ready?", ("127.0.0.1", port))
            return asker.recv(100) == b"ready"
        except OSError:
            return False


async def publish(bootstrap_servers: str, arrivals: Sequence[Arrival]) -> None:
    """As their producers would, one after the other."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers)
    await producer.start()
    try:
        for arrival in arrivals:
            key = str(arrival.referral_id).encode()
            await producer.send_and_wait(f"{arrival.producer}.v1", arrival.body, key=key, headers=list(arrival.headers))
    finally:
        await producer.stop()
