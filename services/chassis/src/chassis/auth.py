"""Who is calling, what they may do, and whose area they see: bearer tokens, signed by a key we know."""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from chassis.problems import Problem

SCOPE_PATH = "[0-9A-Za-z_-]+(?:/[0-9A-Za-z_-]+)*"
_SCOPE_PATH = re.compile(SCOPE_PATH)
_API_KEY = "ldk_"
_REQUIRED = ["exp", "iss", "aud", "sub", "roles", "scope_path"]
_MAX_REMEMBERED = 10_000
_MAX_NAME = 200
_bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="由身份平台签发的令牌，系统亦可用 API 密钥（ldk_…）。A token of the issuer, or a system's API key.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, by a verified token. `source` binds a system to its own calls."""

    sub: str
    roles: frozenset[str]
    scope_path: str
    source: str | None = None


def covers(scope_path: str, area_path: str) -> bool:
    """`31/310109` covers itself and `31/310109/310109010`; it does not cover `31/3101099` or `31`."""
    return bool(scope_path) and (area_path == scope_path or area_path.startswith(f"{scope_path}/"))


class Verifier:
    """Checks tokens, and remembers the good ones until they expire: a signature costs more than a request may."""

    def __init__(self, public_key_pem: str, *, issuer: str, audience: str) -> None:
        self._key, self._algorithm = _key_of(public_key_pem)
        self._issuer, self._audience = issuer, audience
        self._remembered: dict[bytes, tuple[Caller, float]] = {}

    def verify(self, token: str) -> Caller:
        """The caller; raises a 401 problem that says whether the token is expired or simply not valid."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        found = self._remembered.get(digest)
        if found is not None and found[1] > time.time():
            return found[0]
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": _REQUIRED},
            )
            caller = _caller(claims)
        except jwt.ExpiredSignatureError:
            raise _unauthenticated("token_expired", "令牌已过期。", "The token has expired.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise token_invalid() from None
        self._remember(digest, caller, float(claims["exp"]))
        return caller

    def _remember(self, digest: bytes, caller: Caller, until: float) -> None:
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (caller, until)


class KeyBook(Protocol):
    """Who stands behind a key of a system; raises a 401 problem."""

    async def caller_of(self, key: str) -> Caller: ...


@dataclass(frozen=True)
class RoleRequired:
    """The dependency that `require` gives; its roles can be read, so that nobody keeps a second list of them."""

    roles: tuple[str, ...]

    async def __call__(
        self, request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> Caller:
        return await caller_with(request.app.state, credentials.credentials if credentials else None, self.roles)


def require(*roles: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency giving the caller, who has one of these roles; no roles: anybody with a valid token."""
    return RoleRequired(roles)


async def caller_with(state: Any, token: str | None, roles: tuple[str, ...]) -> Caller:
    """The caller behind a bearer token; raises a 401 problem, or 403 when none of the roles is there."""
    if token is None:
        raise _unauthenticated("token_missing", "缺少令牌。", "A bearer token is needed.", error=None)
    caller = await _caller_behind(state, token)
    if roles and caller.roles.isdisjoint(roles):
        raise Problem(403, "role_required", "没有所需的角色。", "None of the roles needed.", roles=sorted(roles))
    return caller


async def _caller_behind(state: Any, token: str) -> Caller:
    """Keys of systems look unlike tokens; a service without keys knows none."""
    if not token.startswith(_API_KEY):
        verifier: Verifier = state.verifier
        return verifier.verify(token)
    keys: KeyBook | None = getattr(state, "api_keys", None)
    if keys is None:
        raise token_invalid()
    return await keys.caller_of(token)


def token_invalid() -> Problem:
    return _unauthenticated("token_invalid", "令牌无效。", "The token is not valid.")


def _key_of(pem: str) -> tuple[Ed25519PublicKey | RSAPublicKey, str]:
    """One key, one algorithm: nothing in a token chooses how it is checked."""
    key = load_pem_public_key(pem.encode())
    if isinstance(key, Ed25519PublicKey):
        return key, "EdDSA"
    if isinstance(key, RSAPublicKey) and key.key_size >= 2048:
        return key, "RS256"
    raise ValueError("the token key must be Ed25519, or RSA of at least 2048 bits")


def _caller(claims: dict[str, Any]) -> Caller:
    sub, roles, scope_path, source = claims["sub"], claims["roles"], claims["scope_path"], claims.get("source")
    if not isinstance(roles, list) or not all(_is_name(role) for role in roles):
        raise ValueError("roles")
    if not isinstance(scope_path, str) or not _SCOPE_PATH.fullmatch(scope_path):
        raise ValueError("scope_path")
    if not _is_name(sub) or not (source is None or _is_name(source)):
        raise ValueError("sub or source")
    return Caller(sub, frozenset(roles), scope_path, source)


def _is_name(value: Any) -> bool:
    """Something that a table, a log and a header can hold."""
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME and value.isprintable()


def _unauthenticated(code: str, zh: str, en: str, *, error: str | None = "invalid_token") -> Problem:
    challenge = "Bearer" if error is None else f'Bearer error="{error}"'
    return Problem(401, code, zh, en, headers={"WWW-Authenticate": challenge})
