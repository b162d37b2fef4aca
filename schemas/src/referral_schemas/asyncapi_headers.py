"""The headers of every message as the AsyncAPI document describes them: CloudEvents 1.0, Kafka binary mode."""

from __future__ import annotations

from typing import Any

from referral_schemas.envelope import dataschema_of

Node = dict[str, Any]
REFERRAL = "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f01"
MESSAGE = "01997b3c-71b2-7a04-8c55-d1e2f3a4b501"
CAUSE = "01997b3c-7a4d-7e13-92a7-18293a4b5c63"
OUTSIDE = "sources"
STATED_AT = "2026-01-01T01:30:04.500Z"


def _header(description: str, **limits: Any) -> Node:
    return {"type": "string", "description": description, **limits}


_COMMON = {
    "ce_specversion": _header("CloudEvents 版本 · CloudEvents version", const="1.0"),
    "ce_id": _header("消息编号，重发不变 · id of the message, the same when sent again", format="uuid"),
    "ce_source": _header("发布服务 · service that states it"),
    "ce_type": _header("类型 · type"),
    "ce_subject": _header("分流单编号 · referral id", format="uuid"),
    "ce_time": _header("陈述时间 · when it was stated", format="date-time"),
    "ce_dataschema": _header("消息体的模式 · schema of the body"),
    "content-type": _header("消息体格式 · format of the body", const="application/json"),
}
_STREAM = {
    "ce_streamseq": _header(
        "本服务本单的连续序号，自 1 起 · number in the stream of this service and referral, from 1, without a gap",
        pattern="^[1-9][0-9]{0,9}$",
    ),
    "ce_after": _header(
        "写入时已处理到的他服务序号，如 intake:3,triage:5；没有则省略 · "
        "what its writer had applied of the other streams; left out when nothing",
        pattern="^[a-z]+:[1-9][0-9]{0,9}(,[a-z]+:[1-9][0-9]{0,9})*$",
    ),
    "ce_causationid": _header(
        "引起它的事件或命令；没有则省略 · event or command that caused it; left out when none", format="uuid"
    ),
    "ce_urgent": _header("紧急：到达即生效；否则省略 · takes effect on arrival; else left out", const="true"),
    "ce_traceparent": _header("W3C 追踪上下文，可省略 · W3C trace context, may be left out"),
}
_NOTICE = {
    "ce_version": _header(
        "同一键下的版本；不高于已读者即丢弃 · number under its key: drop what is not higher",
        pattern="^[1-9][0-9]{0,9}$",
    )
}
_INBOUND = {
    "ce_specversion": _COMMON["ce_specversion"],
    "ce_id": _header("消息编号，由发送方给出 · id of the message, the sender's own", minLength=1, maxLength=200),
    "ce_type": _COMMON["ce_type"],
    "ce_source": _header("发送系统，可省略 · the sending system, may be left out"),
    "ce_time": _header("发送时间，可省略 · when it was sent, may be left out", format="date-time"),
    "authorization": _header(
        "Bearer 加来源系统的密钥或令牌，与接口相同；不转存 · "
        "Bearer, and the key or token of the source as for the API; it is not kept",
        pattern="^Bearer .+$",
    ),
}

HEADER_SCHEMAS: Node = {
    "StreamHeaders": {
        "type": "object",
        "description": "服务事件的消息头 · headers of an event of a service's stream",
        "properties": {**_COMMON, **_STREAM},
        "required": [*_COMMON, "ce_streamseq"],
    },
    "NoticeHeaders": {
        "type": "object",
        "description": "对外消息的消息头 · headers of a message to partners and sources",
        "properties": {**_COMMON, **_NOTICE},
        "required": [*_COMMON, "ce_version"],
    },
    "SourceHeaders": {
        "type": "object",
        "description": "来源单位消息的消息头 · headers of a message of a source",
        "properties": _INBOUND,
        "required": ["ce_specversion", "ce_id", "ce_type", "authorization"],
    },
}


def headers_of(event_type: str, writer: str, *, is_notice: bool) -> Node:
    """The schema of the headers of one type: the common one, and what is fixed for this type."""
    if writer == OUTSIDE:
        fixed = {"ce_type": event_type}
        return _headers("SourceHeaders", fixed)
    fixed = {"ce_source": f"/liandong/{writer}", "ce_type": event_type, "ce_dataschema": dataschema_of(event_type)}
    return _headers("NoticeHeaders" if is_notice else "StreamHeaders", fixed)


def _headers(schema: str, fixed: dict[str, str]) -> Node:
    return {
        "allOf": [
            {"$ref": f"#/components/schemas/{schema}"},
            {"type": "object", "properties": {name: {"const": value} for name, value in fixed.items()}},
        ]
    }


def example_headers(event_type: str, writer: str, body: Node, *, is_notice: bool, is_urgent: bool) -> Node:
    if writer == OUTSIDE:
        return {
            "ce_specversion": "1.0",
            "ce_id": MESSAGE,
            "ce_type": event_type,
            "authorization": "Bearer ldk_EXAMPLE",
            "content-type": "application/json",
        }
    common = {
        "ce_specversion": "1.0",
        "ce_id": MESSAGE,
        "ce_source": f"/liandong/{writer}",
        "ce_type": event_type,
        "ce_subject": REFERRAL,
        "ce_time": STATED_AT,
        "ce_dataschema": dataschema_of(event_type),
        "content-type": "application/json",
    }
    if is_notice:
        return {**common, "ce_version": str(body["version"])}
    return {**common, "ce_streamseq": "1", "ce_causationid": CAUSE, **({"ce_urgent": "true"} if is_urgent else {})}
