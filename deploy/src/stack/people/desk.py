"""One person's work over the public API: read where a thing stands, act on it, and ask again while it is under way."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from stack.running import RunningStack

FIRST_WAIT, LONGEST_WAIT = 0.1, 1.0
# What a fact that is still on its way looks like: it is not there, its turn has not come, somebody was quicker.
UNDER_WAY = frozenset({404, 409, 412, 429, 502, 503, 504})
FOR_GOOD = frozenset({"idempotency_key_reused"})


class Refused(Exception):
    """An answer that waiting did not change; says which, never the body that was sent."""


@dataclass(frozen=True)
class Desk:
    """`patience` is how long in seconds a fact may be on its way before it counts as lost."""

    client: httpx.AsyncClient
    stack: RunningStack
    patience: float = 40.0

    async def read(self, service: str, path: str, *, by: str) -> dict[str, Any]:
        """Raises Refused once patience ends."""
        answer = await self._ask("GET", service, path, by=by)
        body: dict[str, Any] = answer.json()
        return body

    async def until(
        self, service: str, path: str, is_so: Callable[[Mapping[str, Any]], bool], *, by: str, what: str
    ) -> dict[str, Any]:
        """Reads again and again until what stands there is so."""
        deadline, wait = time.monotonic() + self.patience, FIRST_WAIT
        while True:
            found = await self.read(service, path, by=by)
            if is_so(found):
                return found
            if time.monotonic() > deadline:
                raise Refused(f"{service}{path}: never {what}")
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)

    async def act(
        self, service: str, path: str, body: Mapping[str, Any], *, by: str, on: str | None = None
    ) -> dict[str, Any]:
        """POSTs a command with the ETag of the resource `on`, read just before; without `on` it creates something.

        The same Idempotency-Key goes with every try: an answer that was lost on the way is given again, not made again.
        """
        key = str(uuid.uuid4())
        answer = await self._ask("POST", service, path, by=by, body=dict(body), on=on, key=key)
        told: dict[str, Any] = answer.json()
        return told

    async def _ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        by: str,
        body: Mapping[str, Any] | None = None,
        on: str | None = None,
        key: str | None = None,
    ) -> httpx.Response:
        deadline, wait = time.monotonic() + self.patience, FIRST_WAIT
        trouble = "no answer"
        while True:
            try:
                answer = await self._once(method, service, path, by, body, on, key)
            except httpx.TransportError as error:
                trouble = type(error).__name__
            else:
                if answer.is_success:
                    return answer
                trouble = _told(answer)
                if answer.status_code not in UNDER_WAY or _code(answer) in FOR_GOOD:
                    raise Refused(f"{method} {service}{path}: {trouble}")
            if time.monotonic() > deadline:
                raise Refused(f"{method} {service}{path}: {trouble}")
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)

    async def _once(
        self, method: str, service: str, path: str, by: str, body: Mapping[str, Any] | None, on: str | None,
        key: str | None,
    ) -> httpx.Response:  # fmt: skip
        base = self.stack.services[service]
        headers = {"Authorization": f"Bearer {by}"}
        if on is not None:
            seen = await self.client.get(base + on, headers=headers)
            if not seen.is_success:
                return seen
            headers["If-Match"] = seen.headers["ETag"]
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.request(method, base + path, headers=headers, json=body)


def _code(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def _told(answer: httpx.Response) -> str:
    """Status, code and the English detail: problems carry no personal data."""
    try:
        problem = answer.json()
        return f"HTTP {answer.status_code} {problem.get('code', '')}: {problem.get('detail_en', '')}"
    except (ValueError, AttributeError):
        return f"HTTP {answer.status_code}"
