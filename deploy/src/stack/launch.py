"""A whole stack: what is started after what, the file that says where everything is, and the way down."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from referral_schemas.topics import TOPICS

from stack import jars, kafka, leftovers, migrated, postgres, warming
from stack.keeper import Keeper, StartFailedError
from stack.keys import Keys, mint, write_secret
from stack.layout import Layout
from stack.parts import (
    Overrides,
    Part,
    admin_url,
    bootstrap_servers,
    kafka_node,
    kafka_part,
    metrics_urls,
    migration_environment,
    postgres_part,
    python_environment,
    service_command,
    service_environment,
    service_parts,
    service_urls,
)
from stack.ports import SERVICES, Ports
from stack.steps import Step, run_step

Say = Callable[[str], None]


class Stack:
    """Lives in the event loop of the main thread: its children end when that thread does."""

    def __init__(self, layout: Layout, *, overrides: Overrides, services: Sequence[str], say: Say) -> None:
        self.layout = layout
        self.keepers: dict[str, Keeper] = {}
        self._overrides = overrides
        self._service_names = services
        self._say = say
        self._held = ExitStack()
        self._is_ours = False
        self._is_up = False
        self._node: kafka.KafkaNode | None = None
        self._keys = Keys(layout.secrets)
        self._tokens: dict[str, str] = {}
        self._versions = {"postgres": "", "kafka": ""}

    # ── up ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Raises AlreadyRunningError, PortTakenError, StartFailedError, JarsUnavailableError; then call `stop`."""
        self._claim()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_kafka())
                group.create_task(self._start_postgres_and_migrate())
            await self._start_services()
        except ExceptionGroup as group_of_errors:
            raise first_of(group_of_errors) from group_of_errors
        self._is_up = True
        self.write_facts()

    def _claim(self) -> None:
        """The folder is ours, nothing of an earlier stack is left in it, and our ports are free."""
        self.layout.make_folders()
        self._held.enter_context(leftovers.sole_supervisor(self.layout))
        self._is_ours = True
        self.layout.facts.unlink(missing_ok=True)
        if count := leftovers.clear(self.layout):
            self._say(f"cleared {count} processes of a stack that was killed")
        self._own_ports().check()
        self._keys = mint(self.layout.secrets)
        self._tokens = self._keys.tokens()

    def _own_ports(self) -> Ports:
        ports = self.layout.ports
        if self.layout.database_url is not None:
            ports = ports.without("postgres")
        if self.layout.kafka_bootstrap_servers is not None:
            ports = ports.without("kafka", "kafka_controller")
        return ports

    async def _start_kafka(self) -> None:
        if self.layout.kafka_bootstrap_servers is not None:
            await self._reach("Kafka", "KAFKA_BOOTSTRAP_SERVERS", kafka.answers, self.layout.kafka_bootstrap_servers)
            return
        await self._fetch_jars()
        class_path = await asyncio.to_thread(jars.class_path, self.layout.cache, say=self._say)
        self._node = kafka_node(self.layout, class_path)
        self._versions["kafka"] = jars.kafka_version(jars.listed())
        self._keep(kafka_part(self._node))
        await self.keepers["kafka"].until_ready()
        self._say(f"Kafka {self._versions['kafka']} is ready on {self._node.bootstrap_servers}")

    async def _fetch_jars(self) -> None:
        """In a process of its own, so that Ctrl-C does not wait for downloads."""
        if not await asyncio.to_thread(jars.are_whole, self.layout.cache):
            words = ["-m", "stack", "fetch-jars", str(self.layout.cache)]
            await self._step("kafka-jars", [sys.executable, *words], python_environment(), echo=True)

    async def _start_postgres_and_migrate(self) -> None:
        url = admin_url(self.layout, self._keys)
        if self.layout.database_url is not None:
            await self._reach("PostgreSQL", "DATABASE_URL", postgres.answers, url)
        else:
            self._keep(postgres_part(self.layout, self._keys))
            await self.keepers["postgres"].until_ready()
        self._versions["postgres"] = await postgres.version(url)
        self._say(f"PostgreSQL {self._versions['postgres']} is ready")
        known = await migrated.marks(url)
        await asyncio.gather(*(self._bring_up_to_date(service, url, known) for service in self._service_names))

    async def _bring_up_to_date(self, service: str, url: str, known: Mapping[str, str]) -> None:
        digest = migrated.digest_of(self.layout, self._keys, service)
        if known.get(service) == digest:
            return
        env = migration_environment(self.layout, self._keys, service)
        await self._step(f"{service}-migrate", service_command(service, "migrate"), env)
        self._say(f"{service} is migrated")
        if service == "triage":
            await self._load_directory()
        await migrated.mark(url, service, digest)

    async def _reach(self, what: str, variable: str, answers: Callable[[str], Any], address: str) -> None:
        for _ in range(20):
            if await answers(address):
                return
            await asyncio.sleep(0.5)
        raise StartFailedError(f"{what} does not answer at the address in {variable}")

    async def _load_directory(self) -> None:
        words = ["load-directory", str(migrated.sample_directory(self.layout))]
        env = service_environment(self.layout, self._keys, "triage", "triage-worker", self._overrides)
        await self._step("load-directory", service_command("triage", *words), env)
        self._say("sample directory of Hongkou is loaded")

    async def _step(self, name: str, command: list[str], env: Mapping[str, str], *, echo: bool = False) -> None:
        step = Step(name, command, env, self.layout.working_folder("steps"), self.layout.logs / f"{name}.log")
        await run_step(step, say=self._say if echo else None)

    async def _start_services(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._node is not None and self._service_names:
                group.create_task(warming.warm(self._node.bootstrap_servers))
            for part in service_parts(self.layout, self._keys, self._overrides, only=self._service_names):
                self._keep(part)
                group.create_task(self._announce(part.name))

    async def _announce(self, name: str) -> None:
        await self.keepers[name].until_ready(within=90)
        self._say(f"{name} is ready")

    def _keep(self, part: Part) -> None:
        keeper = Keeper(
            part,
            folder=self.layout.working_folder(part.name),
            logs=self.layout.logs,
            changed=self.write_facts,
        )
        self.keepers[part.name] = keeper
        keeper.begin()

    # ── while it runs ───────────────────────────────────────────────────────────────────────────────────────────

    def facts(self) -> dict[str, Any]:
        """What `stack.json` holds (CONTRACTS §8)."""
        pids = {name: keeper.pid for name, keeper in self.keepers.items()}
        return {
            "services": {name: {"url": url} for name, url in service_urls(self.layout).items()},
            "kafka": {"bootstrap_servers": bootstrap_servers(self.layout), "version": self._versions["kafka"]},
            "postgres": {"url": admin_url(self.layout, self._keys), "version": self._versions["postgres"]},
            "topics": topics(),
            "metrics": metrics_urls(self.layout),
            "tokens": self._tokens,
            "processes": {name: pid for name, pid in pids.items() if pid is not None},
            "supervisor": os.getpid(),
        }

    def write_facts(self) -> None:
        """Nothing before everything is ready: whoever finds the file finds a stack."""
        if self._is_up:
            write_secret(self.layout.facts, json.dumps(self.facts(), ensure_ascii=False, indent=1))

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        self.keepers[name].kill(how)

    async def wipe_kafka(self) -> None:
        """Kafka dies, its data directory is lost, it comes back as a new cluster; every client lives through it."""
        assert self._node is not None, "this stack's Kafka is somebody else's"
        async with self.keepers["kafka"].held_down():
            await asyncio.to_thread(self._node.wipe)

    async def until_ready(self, *, within: float = 60.0) -> None:
        """All parts, as after a start. Raises StartFailedError."""
        async with asyncio.timeout(within):
            for keeper in self.keepers.values():
                await keeper.until_ready(within=within)

    # ── down ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def stop(self) -> None:
        """Services first, then the servers they stand on. Afterwards no process of this stack is left."""
        self._is_up = False
        servers = [name for name in self.keepers if name in ("postgres", "kafka")]
        services = [name for name in self.keepers if name not in servers]
        for names in (services, servers):
            await asyncio.gather(*(self.keepers[name].stop() for name in names))
        if self._is_ours:
            self.layout.facts.unlink(missing_ok=True)
        self._held.close()


def first_of(errors: BaseExceptionGroup[Exception]) -> Exception:
    """Parts start side by side; the first reason is the one to tell."""
    first: Exception | BaseExceptionGroup[Exception] = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def topics() -> dict[str, str]:
    """`referral_status` → `referral-status.v1`, and so on for every topic of the one list."""
    return {spec.name.removesuffix(".v1").replace(".", "_").replace("-", "_"): spec.name for spec in TOPICS}


@asynccontextmanager
async def running_stack(
    layout: Layout,
    *,
    overrides: Overrides | None = None,
    services: Sequence[str] = SERVICES,
    say: Say = lambda text: None,
) -> AsyncIterator[Stack]:
    """A stack from start to stop, for tests too: `async with running_stack(Layout(folder, Ports.free())) as stack`.

    `services` empty: only PostgreSQL and Kafka.
    """
    stack = Stack(layout, overrides=overrides or {}, services=services, say=say)
    try:
        await stack.start()
        yield stack
    finally:
        await asyncio.shield(asyncio.create_task(stack.stop()))
