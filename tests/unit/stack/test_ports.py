"""Ports of a stack come from one table, and each can be changed."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import asdict

import pytest
from stack.ports import VARIABLES, BadPortError, Ports, PortTakenError


def test_without_variables_the_ports_are_those_of_the_contract() -> None:
    assert asdict(Ports.from_environment({})) == {
        "intake": 8101,
        "triage": 8102,
        "mediation": 8103,
        "followup": 8104,
        "kafka": 19092,
        "kafka_controller": 19093,
        "postgres": 15432,
        "intake_api_metrics": 8201,
        "triage_api_metrics": 8202,
        "mediation_api_metrics": 8203,
        "followup_api_metrics": 8204,
        "intake_worker_metrics": 8301,
        "triage_worker_metrics": 8302,
        "mediation_worker_metrics": 8303,
        "followup_worker_metrics": 8304,
    }


@pytest.mark.parametrize("name", list(VARIABLES))
def test_each_port_can_be_changed_and_the_offset_is_added_to_every_one(name: str) -> None:
    plain = Ports.from_environment({})
    changed = Ports.from_environment({VARIABLES[name][0]: "30000", "PORT_OFFSET": "2000"})
    assert asdict(changed) == {other: port + 2000 for other, port in asdict(plain).items()} | {name: 32000}


@pytest.mark.parametrize("environ", [{"PORT_OFFSET": "60000"}, {"KAFKA_PORT": "many"}, {"POSTGRES_PORT": "0"}])
def test_what_is_no_port_is_refused_by_the_name_of_its_variable(environ: dict[str, str]) -> None:
    with pytest.raises(BadPortError, match="PORT"):
        Ports.from_environment(environ)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_taken_port_is_named_whichever_protocol_holds_it(kind: socket.SocketKind) -> None:
    ports = Ports.free()
    ports.check()
    with closing(socket.socket(type=kind)) as other:
        other.bind(("127.0.0.1", ports.triage))
        if kind == socket.SOCK_STREAM:
            other.listen()
        with pytest.raises(PortTakenError, match=rf"{ports.triage} \(triage\) is taken: set TRIAGE_HTTP_PORT"):
            ports.check()
