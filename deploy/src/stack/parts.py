"""The parts of a stack as data: what runs, in which environment, when it counts as ready, how it is stopped."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from stack import kafka, postgres
from stack.keys import Keys
from stack.layout import Layout
from stack.ports import LOCALHOST, SERVICES
from stack.ready import api_answers, worker_answers
from stack.spawn import bound_to_parent

Overrides = Mapping[str, Mapping[str, str]]
"""Settings without prefix, by process (`intake-worker`), service (`intake`) or `*`: {"*": {"GAP_SECONDS": "2"}}."""
NICENESS = {"worker": 5, "api": 0}
"""Somebody waits for an answer: on a machine that is full, workers let the apis, PostgreSQL and Kafka go first."""


@dataclass(frozen=True)
class Part:
    """`prepare` is called in a thread before every start and may be called again after a crash."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    is_ready: Callable[[], Awaitable[bool]]
    prepare: Callable[[], None] = field(default=lambda: None)
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 8.0
    niceness: int = 0


def postgres_part(layout: Layout, keys: Keys) -> Part:
    data, port = layout.postgres_data, layout.ports.postgres
    return Part(
        name="postgres",
        command=postgres.command(data, port, layout.sockets),
        env=postgres.environment(),
        prepare=partial(postgres.prepare, data, keys.postgres_password_file, layout.sockets),
        is_ready=partial(postgres.answers, admin_url(layout, keys)),
        stop_signal=signal.SIGINT,
    )


def kafka_part(node: kafka.KafkaNode) -> Part:
    return Part(
        name="kafka",
        command=node.command(),
        env=kafka.environment(),
        prepare=node.prepare,
        is_ready=partial(kafka.answers, node.bootstrap_servers),
    )


def kafka_node(layout: Layout, class_path: Sequence[Path]) -> kafka.KafkaNode:
    settings = layout.state / "run/kafka.properties"
    return kafka.KafkaNode(layout.kafka_data, settings, class_path, layout.ports.kafka, layout.ports.kafka_controller)


def service_parts(layout: Layout, keys: Keys, overrides: Overrides, *, only: Sequence[str] = SERVICES) -> list[Part]:
    """The eight processes, apis after the workers so that what is asked of an api finds its worker awake."""
    parts = []
    for kind, is_ready in (("worker", worker_answers), ("api", api_answers)):
        for service in only:
            port = layout.ports.service(service)
            parts.append(
                Part(
                    name=f"{service}-{kind}",
                    command=bound_to_parent(service_command(service, kind)),
                    env=service_environment(layout, keys, service, f"{service}-{kind}", overrides),
                    is_ready=partial(is_ready, port),
                    niceness=NICENESS[kind],
                )
            )
    return parts


def service_command(service: str, *words: str) -> list[str]:
    return [sys.executable, "-m", f"{service}_svc", *words]


def service_environment(layout: Layout, keys: Keys, service: str, process: str, overrides: Overrides) -> dict[str, str]:
    settings = {
        "DATABASE_URL": app_url(layout, keys, service),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap_servers(layout),
        "HTTP_HOST": LOCALHOST,
        "HTTP_PORT": str(layout.ports.service(service)),
        "METRICS_PORT": str(layout.ports.metrics(process)),
        "TOKEN_PUBLIC_KEY_FILE": str(keys.public_key_file),
        "SERVICE_TOKEN_FILE": str(keys.service_token_file(service)),
        "KEYRING_FILE": str(keys.keyring_file(service)),
        "PEERS": json.dumps(service_urls(layout)),
    }
    if service == "intake":
        settings["INDEX_KEY_FILE"] = str(keys.index_key_file)
    for name in ("*", service, process):
        settings |= overrides.get(name, {})
    return python_environment() | prefixed(service, settings)


def migration_environment(layout: Layout, keys: Keys, service: str) -> dict[str, str]:
    settings = {
        "DATABASE_ADMIN_URL": admin_url(layout, keys),
        "OWNER_PASSWORD_FILE": str(keys.owner_password_file(service)),
        "APP_PASSWORD_FILE": str(keys.app_password_file(service)),
    }
    return python_environment() | prefixed(service, settings)


def prefixed(service: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{service.upper()}_{name}": value for name, value in settings.items()}


def python_environment() -> dict[str, str]:
    """The user's environment without what would lead Python, PostgreSQL's clients or our settings elsewhere."""
    unwanted = ("PYTHON", "PG", "VIRTUAL_ENV", "DATABASE_URL", "KAFKA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return kept | {"PYTHONUNBUFFERED": "1"}


def service_urls(layout: Layout) -> dict[str, str]:
    return {service: f"http://{LOCALHOST}:{layout.ports.service(service)}" for service in SERVICES}


def metrics_urls(layout: Layout) -> dict[str, str]:
    processes = [f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")]
    return {process: f"http://{LOCALHOST}:{layout.ports.metrics(process)}/metrics" for process in processes}


def bootstrap_servers(layout: Layout) -> str:
    return layout.kafka_bootstrap_servers or f"{LOCALHOST}:{layout.ports.kafka}"


def admin_url(layout: Layout, keys: Keys) -> str:
    if layout.database_url is None:
        return postgres.url_of(layout.ports.postgres, keys.read(keys.postgres_password_file))
    parts = urlsplit(layout.database_url)
    if parts.path.strip("/") in ("", "postgres", "template1"):  # a maintenance database: ours is made beside it
        parts = parts._replace(path=f"/{postgres.DATABASE}")
    return parts.geturl()


def near_url(layout: Layout, url: str) -> str:
    """By its socket when it is our own server."""
    return postgres.by_socket(url, layout.sockets, layout.ports.postgres) if layout.database_url is None else url


def app_url(layout: Layout, keys: Keys, service: str) -> str:
    """The administrator's address with the service's own role and password in it, as near as it can be had."""
    parts = urlsplit(admin_url(layout, keys))
    password = quote(keys.read(keys.app_password_file(service)), safe="")
    server = parts.netloc.rpartition("@")[2]
    return near_url(layout, parts._replace(netloc=f"{service}_app:{password}@{server}").geturl())
