"""Clients that a generator makes of the committed documents, nobody here wrote: one call of each service with them."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stack.running import SERVICES, RunningStack
from support.live import LiveStack
from support.stack import ROOT, eventually

AS_IT_COMES: dict[str, list[str]] = {"post_hooks": []}  # nothing is tidied: what the generator writes is what runs


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a package for each service. A warning of the generator is a fault of our document."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "config.json").write_text(json.dumps(AS_IT_COMES))
    for service in SERVICES:
        words = ["--path", str(ROOT / f"schemas/openapi/{service}.json"), "--output-path", str(folder / service)]
        command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"]
        done = subprocess.run(
            [*command, *words, "--config", str(folder / "config.json")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Clients:
    """Each call as the service's own package offers it; an answer that is not in the document raises."""

    def __init__(self, folder: Path, stack: RunningStack) -> None:
        self._folder, self._stack = folder, stack

    async def ask(self, service: str, operation: str, *place: Any, by: str, **given: Any) -> Any:
        """With status, headers and the parsed body. `operation` is the name of the function's module."""
        (file,) = (self._folder / service / "api").rglob(f"{operation}.py")
        name = ".".join(file.relative_to(self._folder).with_suffix("").parts)
        client = importlib.import_module(f"{service}.client").AuthenticatedClient(
            base_url=self._stack.services[service],
            token=self._stack.token(by),
            raise_on_unexpected_status=True,
        )
        async with client:
            return await importlib.import_module(name).asyncio_detailed(*place, client=client, **given)

    def model(self, service: str, name: str) -> Any:
        return getattr(importlib.import_module(f"{service}.models"), name)


@pytest.fixture
def clients(generated: Path, live: LiveStack, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.syspath_prepend(generated)
    return Clients(generated, RunningStack.read(live.stack.layout.facts))


async def test_one_referral_is_met_in_every_service_with_the_client_made_for_it(clients: Clients) -> None:
    document = json.loads((ROOT / "schemas/openapi/intake.json").read_text())
    body = document["paths"]["/v1/calls"]["post"]["requestBody"]["content"]["application/json"]
    example = body["examples"]["neighbour"]["value"] | {"call_no": "GENERATED-1", "incident_address": "曲阳路3999号"}
    call = clients.model("intake", "SubmitCallCallIn").from_dict(example)

    told = await clients.ask("intake", "submit_call", by="dispatch", body=call)
    assert (told.status_code, told.parsed.call_no) == (202, "GENERATED-1")
    referral = told.parsed.referral_id

    async def dispatched() -> Any:
        seen = await clients.ask("triage", "read_referral", referral, by="clerk")
        return seen.status_code == 200 and seen.parsed.state == "dispatched" and seen

    seen = await eventually(dispatched, within=20, every=0.2)
    signature = clients.model("triage", "SignIn")()
    signed = await clients.ask(
        "triage", "sign_referral", referral, by="clerk", body=signature, if_match=seen.headers["ETag"],
        idempotency_key="generated-1",
    )  # fmt: skip
    assert (signed.status_code, signed.parsed.state, signed.parsed.referral_id) == (200, "signed", referral)

    async def mirrored() -> Any:
        mirror = await clients.ask("mediation", "read_mirror", referral, by="ops")
        watch = await clients.ask("followup", "read_watch", referral, by="ops")
        return mirror.status_code == watch.status_code == 200 and (mirror.parsed, watch.parsed)

    mirror, watch = await eventually(mirrored, within=20, every=0.2)
    assert mirror.referral_id == watch.referral_id == referral
    assert (mirror.state, watch.state) == ("dispatched", "watching")
