"""The ports of a stack: each with the variable that changes it, all moved together by PORT_OFFSET."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, fields, replace
from typing import Self

LOCALHOST = "127.0.0.1"
SERVICES = ("intake", "triage", "mediation", "followup")
VARIABLES = {
    "intake": ("INTAKE_HTTP_PORT", 8101),
    "triage": ("TRIAGE_HTTP_PORT", 8102),
    "mediation": ("MEDIATION_HTTP_PORT", 8103),
    "followup": ("FOLLOWUP_HTTP_PORT", 8104),
    "kafka": ("KAFKA_PORT", 19092),
    "kafka_controller": ("KAFKA_CONTROLLER_PORT", 19093),
    "postgres": ("POSTGRES_PORT", 15432),
    "intake_api_metrics": ("INTAKE_API_METRICS_PORT", 8201),
    "triage_api_metrics": ("TRIAGE_API_METRICS_PORT", 8202),
    "mediation_api_metrics": ("MEDIATION_API_METRICS_PORT", 8203),
    "followup_api_metrics": ("FOLLOWUP_API_METRICS_PORT", 8204),
    "intake_worker_metrics": ("INTAKE_WORKER_METRICS_PORT", 8301),
    "triage_worker_metrics": ("TRIAGE_WORKER_METRICS_PORT", 8302),
    "mediation_worker_metrics": ("MEDIATION_WORKER_METRICS_PORT", 8303),
    "followup_worker_metrics": ("FOLLOWUP_WORKER_METRICS_PORT", 8304),
}


class PortTakenError(RuntimeError):
    """Names the port, what it is for, and the variable that changes it."""


class BadPortError(ValueError):
    pass


@dataclass(frozen=True)
class Ports:
    intake: int
    triage: int
    mediation: int
    followup: int
    kafka: int
    kafka_controller: int
    postgres: int
    intake_api_metrics: int
    triage_api_metrics: int
    mediation_api_metrics: int
    followup_api_metrics: int
    intake_worker_metrics: int
    triage_worker_metrics: int
    mediation_worker_metrics: int
    followup_worker_metrics: int

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Raises BadPortError where a variable holds no port."""
        offset = number(environ, "PORT_OFFSET", 0)
        chosen = {name: number(environ, variable, default) for name, (variable, default) in VARIABLES.items()}
        for name, port in chosen.items():
            if not 0 < port + offset < 65536:
                raise BadPortError(f"{VARIABLES[name][0]} + PORT_OFFSET = {port + offset} is no port")
        return cls(**{name: port + offset for name, port in chosen.items()})

    @classmethod
    def free(cls) -> Self:
        """Ports nobody listens on now, for a second stack beside the first."""
        chosen: list[int] = []
        while len(chosen) < len(VARIABLES):
            with closing(socket.socket()) as probe:
                probe.bind((LOCALHOST, 0))
                port = probe.getsockname()[1]
            if port not in chosen and is_free(port):
                chosen.append(port)
        return cls(*chosen)

    def service(self, name: str) -> int:
        return int(getattr(self, name))

    def metrics(self, process: str) -> int:
        """Of `intake-api`: a page apart from what it serves."""
        return int(getattr(self, f"{process.replace('-', '_')}_metrics"))

    def without(self, *names: str) -> Self:
        """For parts that somebody else runs: their ports are not ours to check."""
        return replace(self, **dict.fromkeys(names, 0))

    def check(self) -> None:
        """Raises PortTakenError for the first port that something else listens on."""
        for field in fields(self):
            port = getattr(self, field.name)
            if port and not is_free(port):
                variable = VARIABLES[field.name][0]
                raise PortTakenError(
                    f"端口 {port}（{field.name}）已被占用；请设置 {variable}=<端口> 或 PORT_OFFSET / "
                    f"port {port} ({field.name}) is taken: set {variable} to another one, "
                    "or PORT_OFFSET to move all of them"
                )


def number(environ: Mapping[str, str], variable: str, default: int) -> int:
    text = environ.get(variable, "").strip() or str(default)
    try:
        return int(text)
    except ValueError:
        raise BadPortError(f"{variable}={text!r} is no number") from None


def is_free(port: int) -> bool:
    """For TCP and for UDP: a worker listens for wake-ups on the number of its service."""
    with closing(socket.socket()) as tcp, closing(socket.socket(type=socket.SOCK_DGRAM)) as udp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind((LOCALHOST, port))
            udp.bind((LOCALHOST, port))
        except OSError:
            return False
    return True
