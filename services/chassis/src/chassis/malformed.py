"""What is wrong with a request that does not have the right form, field by field, without repeating what was sent."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chassis.problems import Problem

_SHOWN = 20
_PLAIN_NAME = re.compile(r"(?!.*[0-9]{6})[A-Za-z0-9_.-]{1,64}")  # six digits in a row may be a part of a number

# pydantic's kind of error → what to do about it; {…} are limits of the model, never values of the request
_CURES: Mapping[str, tuple[str, str]] = {
    "missing": ("请填写此字段。", "Supply this field."),
    "extra_forbidden": ("没有此字段，请删除。", "There is no such field; remove it."),
    "string_type": ("应为字符串。", "Must be a string."),
    "string_too_short": ("至少 {min_length} 个字符。", "At least {min_length} characters."),
    "string_too_long": ("最多 {max_length} 个字符。", "At most {max_length} characters."),
    "string_pattern_mismatch": ("格式应符合 {pattern}。", "Must match {pattern}."),
    "string_unicode": ("含有无效字符。", "Holds characters that are not valid Unicode."),
    "int_type": ("应为整数。", "Must be an integer."),
    "int_parsing": ("应为整数。", "Must be an integer."),
    "int_from_float": ("应为整数。", "Must be an integer."),
    "float_type": ("应为数字。", "Must be a number."),
    "float_parsing": ("应为数字。", "Must be a number."),
    "finite_number": ("应为有限的数。", "Must be a finite number."),
    "bool_type": ("应为 true 或 false。", "Must be true or false."),
    "bool_parsing": ("应为 true 或 false。", "Must be true or false."),
    "greater_than": ("应大于 {gt}。", "Must be greater than {gt}."),
    "greater_than_equal": ("应不小于 {ge}。", "Must be at least {ge}."),
    "less_than": ("应小于 {lt}。", "Must be less than {lt}."),
    "less_than_equal": ("应不大于 {le}。", "Must be at most {le}."),
    "enum": ("应为以下之一：{expected}。", "Must be one of {expected}."),
    "literal_error": ("应为以下之一：{expected}。", "Must be one of {expected}."),
    "datetime_type": ("应为带时区的时间，如 2026-01-01T08:00:00+08:00。", "Must be an instant with its zone."),
    "datetime_parsing": ("应为带时区的时间，如 2026-01-01T08:00:00+08:00。", "Must be an instant with its zone."),
    "datetime_from_date_parsing": (
        "应为带时区的时间，如 2026-01-01T08:00:00+08:00。",
        "Must be an instant with its zone, such as 2026-01-01T08:00:00+08:00.",
    ),
    "timezone_aware": ("时间须带时区，如 +08:00。", "The time needs its zone, such as +08:00."),
    "date_parsing": ("应为日期，如 2026-01-01。", "Must be a date, such as 2026-01-01."),
    "date_from_datetime_parsing": ("应为日期，如 2026-01-01。", "Must be a date, such as 2026-01-01."),
    "uuid_parsing": ("应为 UUID。", "Must be a UUID."),
    "uuid_type": ("应为 UUID。", "Must be a UUID."),
    "list_type": ("应为数组。", "Must be an array."),
    "too_long": ("最多 {max_length} 项。", "At most {max_length} items."),
    "too_short": ("至少 {min_length} 项。", "At least {min_length} items."),
    "dict_type": ("应为对象。", "Must be an object."),
    "model_attributes_type": ("应为 JSON 对象。", "Must be a JSON object."),
    "model_type": ("应为 JSON 对象。", "Must be a JSON object."),
}
_ANY_CURE = ("请按接口文档改正。", "Correct it as the documentation says.")


def is_plain_name(name: str) -> bool:
    """Names of unknown fields are the client's own words: only what looks like a name and nothing else is repeated."""
    return _PLAIN_NAME.fullmatch(name) is not None


def malformed_json(zh: str, en: str) -> Problem:
    return Problem(422, "malformed_json", zh, en)


def malformed_request(errors: Sequence[Any]) -> Problem:
    if any(error.get("type") == "json_invalid" for error in errors):
        return malformed_json("请求体不是有效的 JSON。", "The body is not valid JSON.")
    return Problem(
        422,
        "malformed_request",
        "请求格式有误，见 errors 中各字段。",
        "The request does not have the right form; errors names the fields.",
        errors=[_explain(error) for error in errors[:_SHOWN]],
        errors_total=len(errors),
    )


def _explain(error: Mapping[str, Any]) -> dict[str, str]:
    kind = str(error.get("type", ""))
    limits = error.get("ctx") or {}
    zh, en = _CURES.get(kind) or (str(limits.get("cure_zh", _ANY_CURE[0])), str(limits.get("cure_en", _ANY_CURE[1])))
    return {
        "field": ".".join(_step(step) for step in error.get("loc", ())),
        "kind": kind,
        "given": "nothing" if kind == "missing" else _kind_of(error.get("input")),
        "cure_zh": _with_limits(zh, limits),
        "cure_en": _with_limits(en, limits),
    }


def _with_limits(text: str, limits: Mapping[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: str(limits.get(match[1], "?"))[:200], text)


def _step(step: Any) -> str:
    text = str(step)
    return text if isinstance(step, int) or is_plain_name(text) else "?"


def _kind_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list() | tuple():
            return "array"
        case _:
            return "object"
