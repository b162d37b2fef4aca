"""The two headers of a command: which attempt this is, and which version of the thing its sender has seen."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import Depends, Header, Request

from chassis.auth import Caller, require
from chassis.problems import Problem, request_id_of

IDEMPOTENCY_KEY, IF_MATCH = "Idempotency-Key", "If-Match"
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_ETAG = re.compile(r'"(0|[1-9][0-9]{0,8})"')

_KeyHeader = Annotated[
    str | None,
    Header(
        alias=IDEMPOTENCY_KEY,
        description="本次操作的唯一键，1至200个可打印 ASCII 字符；相同键与内容重发得到相同答复，永久有效。"
        "A key of this one attempt, 1 to 200 printable ASCII characters: sent again with the same content it gets the "
        "same answer, for good.",
        examples=["0199aa00-0000-7000-8000-000000000000"],
    ),
]
_MatchHeader = Annotated[
    str | None,
    Header(
        alias=IF_MATCH,
        description='所见版本，即上次读取所得 ETag，如 "7"；填 * 表示不论版本。'
        'The version that you have seen, the ETag of your last read, such as "7"; * is any version.',
        examples=["*"],
    ),
]


@dataclass(frozen=True)
class Asked:
    """What a command came with, besides its body. `digest` covers method, path, query and body."""

    by: Caller
    key: str | None
    if_match: int | None
    any_version: bool
    route: str
    digest: bytes
    request_id: str
    needs_version: bool = True


def command(*roles: str, creates: bool = False) -> Callable[..., Awaitable[Asked]]:
    """A dependency for everything that changes something: `require(*roles)`, and the two headers in good form.

    `creates`: there is no version yet that its sender could have seen, so If-Match is not asked for.
    A missing If-Match is 428 at once, but for a request with a key: that may be a repeat, which is looked at first.
    """
    current_caller = require(*roles)

    async def creating(
        request: Request, by: Annotated[Caller, Depends(current_caller)], _key: _KeyHeader = None
    ) -> Asked:
        return await _asked(request, by, key=_key_of(request), needs_version=False)

    async def changing(
        request: Request,
        by: Annotated[Caller, Depends(current_caller)],
        _key: _KeyHeader = None,
        _match: _MatchHeader = None,
    ) -> Asked:
        key = _key_of(request)
        if key is None and IF_MATCH not in request.headers:
            raise if_match_missing()
        return await _asked(request, by, key=key, needs_version=True)

    return creating if creates else changing


def etag(version: int) -> str:
    return f'"{version}"'


async def _asked(request: Request, by: Caller, *, key: str | None, needs_version: bool) -> Asked:
    if_match, any_version = _match_of(request) if needs_version else (None, False)
    route = f"{request.method} {getattr(request.scope.get('route'), 'path', '')}"
    digest = await _digest(request)
    return Asked(by, key, if_match, any_version, route, digest, request_id_of(request.scope), needs_version)


def _key_of(request: Request) -> str | None:
    given = request.headers.getlist(IDEMPOTENCY_KEY)
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise Problem(
            422,
            "bad_idempotency_key",
            f"请求头 {IDEMPOTENCY_KEY} 应为一个1至200个可打印 ASCII 字符的值，首尾不为空格；建议用 UUID。",
            f"The header {IDEMPOTENCY_KEY} must be one value of 1 to 200 printable ASCII characters without a blank at "
            "either end; a UUID will do.",
            header=IDEMPOTENCY_KEY,
            given=_shape(given),
        )
    return given[0]


def _match_of(request: Request) -> tuple[int | None, bool]:
    given = request.headers.getlist(IF_MATCH)
    if not given:
        return None, False
    if given == ["*"]:
        return None, True
    found = _ETAG.fullmatch(given[0]) if len(given) == 1 else None
    if found is None:
        raise Problem(
            422,
            "bad_if_match",
            f'请求头 {IF_MATCH} 应为一个强 ETag，如 "7"（含双引号），或 *。',
            f'The header {IF_MATCH} must be one strong ETag such as "7", quotes included, or *.',
            header=IF_MATCH,
            given=_shape(given),
        )
    return int(found[1]), False


def if_match_missing() -> Problem:
    return Problem(
        428,
        "if_match_missing",
        f"请在请求头 {IF_MATCH} 中给出所见版本（上次读取所得 ETag），或 *。",
        f"Send the version that you have seen, the ETag of your last read, in the header {IF_MATCH}; or *.",
        header=IF_MATCH,
    )


def _shape(given: list[str]) -> str:
    """What is wrong with it, without repeating what was sent."""
    if len(given) > 1:
        return f"{len(given)} values"
    ascii_only = "ASCII" if given[0].isascii() else "not ASCII"
    return f"{len(given[0])} characters, {ascii_only}" if given[0] else "empty"


async def _digest(request: Request) -> bytes:
    """The same JSON however it is spaced and ordered is the same content."""
    body = await request.body()
    canonical = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS) if body else b""
    place = orjson.dumps([request.method, request.url.path, request.url.query])
    return hashlib.sha256(place + b"\x00" + canonical).digest()
