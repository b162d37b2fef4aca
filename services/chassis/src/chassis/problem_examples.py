"""How a refusal of each status looks, for the documents; where a service raises it from one place, from there."""

from typing import Any

from chassis.commands_headers import if_match_missing
from chassis.problems import Problem, transition_refused, unavailable

_REQUEST_ID = "0199aa00-0000-7000-8000-000000000000"
_ERROR = {
    "field": "body.note",
    "kind": "string_too_long",
    "given": "text of 2001 characters",
    "cure_zh": "最多 2000 个字符。",
    "cure_en": "At most 2000 characters.",
}
_SHOWN = (
    Problem(401, "token_missing", "缺少令牌。", "A bearer token is needed."),
    Problem(403, "out_of_scope", "超出您的辖区。", "Outside your area."),
    Problem(404, "not_found", "没有这个资源。", "There is no such resource."),
    Problem(408, "too_slow", "请求未在时限内发送完毕。", "The request was not sent within its time."),
    transition_refused("dispatched", "contact", ["sign", "request_return"]),
    Problem(412, "changed_meanwhile", "他人已作修改，请重新读取。", "Changed meanwhile: read it again.", version=8),
    Problem(413, "too_large", "请求体超过 65536 字节。", "The body has more than 65536 bytes.", limit_bytes=65536),
    Problem(415, "not_json", "请求体应为 application/json。", "The body must be application/json."),
    Problem(422, "malformed_request", "请求格式有误，见 errors 中各字段。",
            "The request does not have the right form; errors names the fields.", errors=[_ERROR], errors_total=1),
    if_match_missing(),
    Problem(431, "head_too_large", "请求头超过 32768 字节。", "The head has more than 32768 bytes."),
    unavailable(),
)  # fmt: skip
PROBLEM_EXAMPLES: dict[int, dict[str, Any]] = {one.status: one.body(_REQUEST_ID) for one in _SHOWN}
