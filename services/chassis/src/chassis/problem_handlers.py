"""Which exception becomes which problem."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from chassis.database_errors import CommitOutcomeUnknown, as_unavailable
from chassis.malformed import malformed_json, malformed_request
from chassis.problems import Problem, internal, outcome_unknown, request_id_of, unavailable

_log = structlog.get_logger()
_FRAMEWORK_TEXTS: Mapping[int, tuple[str, str, str]] = {
    404: ("not_found", "没有这个资源。", "There is no such resource."),
    405: ("method_not_allowed", "此地址不支持该方法。", "This address does not take that method."),
    413: ("too_large", "请求体过大。", "The body is too large."),
}


Refusals = Mapping[type[Exception], Callable[[Any], Problem]]


def add_problem_handlers(app: FastAPI, refusals: Refusals | None = None) -> None:
    """`refusals` are the domain's, in business words: normal, and logged so."""
    for refusal, explain in (refusals or {}).items():
        app.add_exception_handler(refusal, _handler(_refused(explain)))
    for kind, translate in _TRANSLATIONS.items():
        app.add_exception_handler(kind, _handler(translate))


def problem_of(error: Exception) -> Problem:
    """For what no handler knows: 503 when it is the database, else 500. Logged either way, never shown."""
    if as_unavailable(error) is not None:
        _log.warning("database_unavailable", exc_info=error)
        return unavailable()
    _log.error("surprise", exc_info=error)
    return internal()


def _handler(translate: Callable[[Any], Problem]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return translate(error).response(request_id_of(request.scope))

    return handle


def _refused(explain: Callable[[Any], Problem]) -> Callable[[Any], Problem]:
    def translate(refusal: Any) -> Problem:
        problem = explain(refusal)
        _log.info("refused", code=problem.code, kind=type(refusal).__name__)
        return problem

    return translate


def _of_framework(error: HTTPException) -> Problem:
    if error.status_code == HTTPStatus.BAD_REQUEST and "parsing the body" in str(error.detail):
        return malformed_json("请求体无法解析。", "The body cannot be parsed.")
    phrase = HTTPStatus(error.status_code).phrase
    code, zh, en = _FRAMEWORK_TEXTS.get(
        error.status_code, (phrase.lower().replace(" ", "_"), f"请求未被接受：{phrase}。", f"{phrase}.")
    )
    return Problem(error.status_code, code, zh, en, headers=error.headers)


def _of_unknown_outcome(error: CommitOutcomeUnknown) -> Problem:
    _log.warning("commit_outcome_unknown", exc_info=error)
    return outcome_unknown()


_TRANSLATIONS: Mapping[type[Exception], Callable[[Any], Problem]] = {
    Problem: lambda problem: problem,
    RequestValidationError: lambda error: malformed_request(error.errors()),
    HTTPException: _of_framework,
    CommitOutcomeUnknown: _of_unknown_outcome,
}
