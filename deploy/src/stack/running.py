"""A stack that runs, as its file describes it: where its services listen and which token opens what."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SERVICES = ("intake", "triage", "mediation", "followup")


class NotRunning(Exception):
    """The stack's file is missing, unreadable, or nobody answers where it points."""


@dataclass(frozen=True)
class RunningStack:
    path: Path
    services: Mapping[str, str]
    tokens: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises NotRunning."""
        try:
            facts = json.loads(path.read_text())
            services = {name: str(facts["services"][name]["url"]).rstrip("/") for name in SERVICES}
            return cls(path, services, {str(name): str(token) for name, token in facts["tokens"].items()})
        except FileNotFoundError:
            raise NotRunning(
                f"{path} 不存在：平台未启动（先运行 make up） / no such file: run `make up` first"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotRunning(f"{path} 无法读取 / cannot be read: {error!r}") from None

    def token(self, name: str) -> str:
        """Raises NotRunning when the stack minted no such token."""
        try:
            return self.tokens[name]
        except KeyError:
            raise NotRunning(f"{self.path} 中没有 {name} 令牌 / holds no token `{name}`") from None

    def token_of_office(self, name: str, area: str) -> str:
        """Of the clerk, head, mediator or visitor of one office; the plain name is the office that examples use."""
        return self.tokens.get(f"{name}@{area}") or self.token(name)

    def token_of_source(self, source: str) -> str:
        """The token bound to this source, since a system may send its own calls only; else the dispatch token."""
        bound = (token for token in self.tokens.values() if claims(token).get("source") == source)
        return next(bound, None) or self.token("dispatch")


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself, unchecked: enough to choose one of our own."""
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
