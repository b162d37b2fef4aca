"""Errors as RFC 9457 problems: a stable code for programs, and the cause and cure in Chinese and English for people."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Scope

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2


class Problem(Exception):
    """Raise it anywhere below an endpoint: the client gets exactly this. Texts and `extra` carry no personal data."""

    def __init__(
        self, status: int, code: str, zh: str, en: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.zh, self.en = status, code, zh, en
        self.headers, self.extra = headers, extra

    def body(self, request_id: str) -> dict[str, Any]:
        return {
            "type": f"urn:liandong:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail_zh": self.zh,
            "detail_en": self.en,
            "instance": request_id,
            **self.extra,
        }

    def response(self, request_id: str) -> Response:
        content = orjson.dumps(self.body(request_id), default=str)
        return Response(content, self.status, dict(self.headers or {}), MEDIA_TYPE)


class ProblemOut(BaseModel):
    """How every error of this service looks."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(
        description="问题类型的 URN。URN of the kind of problem.", examples=["urn:liandong:problem:not_found"]
    )
    title: str = Field(description="HTTP 状态的名称。Name of the HTTP status.", examples=["Not Found"])
    status: int = Field(description="HTTP 状态码。HTTP status.", examples=[404])
    code: str = Field(description="供程序判断的稳定代码。Stable code for programs.", examples=["not_found"])
    detail_zh: str = Field(description="中文说明。Explanation in Chinese.", examples=["没有这个资源。"])
    detail_en: str = Field(description="英文说明。Explanation in English.", examples=["There is no such resource."])
    instance: str = Field(
        description="请求编号，日志中同名。Id of the request, the same as in the logs.",
        examples=["0199aa00-0000-7000-8000-000000000000"],
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=` of an endpoint. What may happen to every endpoint is added by the app itself."""
    return {status: problem_response(status) for status in statuses}


def problem_response(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": _DESCRIPTIONS.get(status, HTTPStatus(status).phrase), "content": content}


def request_id_of(scope: Scope) -> str:
    return str(scope.get("state", {}).get("request_id", ""))


def transition_refused(state: str, act: str, allowed: Sequence[str], *, basis: str | None = None) -> Problem:
    """A move that the present state does not allow, with those that it does."""
    extra: dict[str, Any] = {"basis": basis} if basis else {}
    return Problem(
        409,
        "transition_refused",
        f"当前状态（{state}）不允许此操作（{act}），可行的操作见 allowed。",
        f"The present state ({state}) does not allow this ({act}); `allowed` lists what it does.",
        state=str(state),
        act=str(act),
        allowed=[str(one) for one in allowed],
        **extra,
    )


def guard_refused(code: str, zh: str, en: str, *, basis: str | None = None, **extra: Any) -> Problem:
    """The state would allow it, the law or a rule does not (yet): `basis` names the article."""
    return Problem(409, code, zh, en, basis=basis, **extra)


def unavailable() -> Problem:
    return _try_again("unavailable", "数据库暂时不可用，请稍后重试。", "The database is not available; try again.")


def outcome_unknown() -> Problem:
    return _try_again(
        "outcome_unknown",
        "无法确定本次提交是否成功；请用相同内容重试，不会重复登记。",
        "It is not known whether this was committed; send the same again, it will not be done twice.",
    )


def overloaded() -> Problem:
    return _try_again("overloaded", "请求过多，请稍后重试。", "Too many requests at once; try again.")


def internal() -> Problem:
    return Problem(
        500, "internal", "服务内部错误，已记录。请提供请求编号。", "An internal error, logged. Quote the request id."
    )


def _try_again(code: str, zh: str, en: str) -> Problem:
    return Problem(503, code, zh, en, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


_DESCRIPTIONS = {
    401: "没有有效的令牌。No valid token.",
    403: "没有权限。Not allowed.",
    404: "没有这个资源。No such resource.",
    408: "请求未在时限内发送完毕。The request was not sent within its time.",
    409: "与当前状态冲突。In conflict with the present state.",
    412: "资源已被他人修改。Changed by somebody else meanwhile.",
    413: "请求体过大。Body too large.",
    415: "请求体不是 JSON。Body is not JSON.",
    422: "请求格式有误。Malformed request.",
    428: "缺少 If-Match。If-Match is missing.",
    431: "请求头过大。Head too large.",
    503: "暂时不可用，请按 Retry-After 重试。Not available now; try again after Retry-After.",
}
