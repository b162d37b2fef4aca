"""What the AsyncAPI document says in words; the facts come from the registry and the list of topics."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]

INFO: Node = {
    "title": "联动 · Liandong",
    "version": "0.1.0",
    "description": (
        "非警务类 110 警情分流、调解、回访各服务之间及对外的消息。"
        "消息为 CloudEvents 1.0（Kafka 二进制模式）：属性在 `ce_*` 消息头，消息体为 JSON。"
        "读取方须忽略未知字段与未知类型；同一类型只会增加可省略的字段。\n\n"
        "Messages between the services that refer non-police 110 calls, mediate and follow up, and to those outside. "
        "CloudEvents 1.0 in Kafka binary mode: attributes in `ce_*` headers, JSON bodies. "
        "Readers pass over unknown fields and unknown types; a type only ever gains optional fields."
    ),
    "license": {"name": "Proprietary"},
}

SERVERS: Node = {
    "local": {
        "host": "127.0.0.1:{port}",
        "protocol": "kafka",
        "description": "本机演示环境，端口见 .local/stack.json · the local stack; its port stands in .local/stack.json",
        "variables": {"port": {"default": "19092", "description": "Kafka 端口 · port of Kafka"}},
    },
    "production": {
        "host": "kafka.example.org:9093",
        "protocol": "kafka-secure",
        "description": "生产环境：TLS 与 SCRAM，按主题授权 · production: TLS and SCRAM, access per topic",
        "security": [{"$ref": "#/components/securitySchemes/scram"}],
    },
}
SECURITY_SCHEMES: Node = {
    "scram": {"type": "scramSha512", "description": "每个读写方一个账号 · one account for each reader and writer"}
}


def _stream(zh: str, en: str) -> tuple[str, str]:
    return (
        f"{zh}服务的事件 · events of {en}",
        "同一分流单的事件按 ce_streamseq 连续编号；ce_after 指明其前因，先因后果。 · "
        "Events of one referral are numbered by ce_streamseq without a gap; ce_after names what must be applied first.",
    )


CHANNELS: dict[str, tuple[str, str]] = {
    "intake.v1": _stream("受理", "intake"),
    "triage.v1": _stream("研判分流", "triage"),
    "mediation.v1": _stream("调解", "mediation"),
    "followup.v1": _stream("跟踪回访", "followup"),
    "referrals.v1": (
        "分流单生命周期，供合作单位 · life-cycle of referrals, for partners",
        "不含个人信息。可能重发：同一 ce_id 只算一次，ce_version 不高于已读者即丢弃。 · "
        "No personal data. May be sent again: one ce_id counts once; drop a ce_version that is not higher.",
    ),
    "referral-status.v1": (
        "分流单当前状态，供合作单位 · present state of referrals, for partners",
        "压缩主题：每单只保留最新一条，从头读一遍即得全部现状。 · "
        "Compacted: the latest message per referral stays, so reading from the start gives the whole present state.",
    ),
    "police.calls.v1": (
        "来源单位的消息 · messages of the sources of calls",
        "键为 来源系统/接警单编号。目前读取节点反馈的确认；其余消息隔离并告警，不丢弃。 · "
        "Keyed by source/call number. Confirmations of milestones are read; all else is quarantined with an alarm.",
    ),
    "police.feedback.v1": (
        "向警情来源单位的节点反馈 · milestones, told to the source of a call",
        "键为 来源系统/接警单编号；须确认的节点未获确认会重发。 · "
        "Keyed by source/call number; a milestone that awaits an acknowledgement is sent again until it has one.",
    ),
}
WRITERS = {
    "intake": "受理服务发布 · intake publishes",
    "triage": "研判分流服务发布 · triage publishes",
    "mediation": "调解服务发布 · mediation publishes",
    "followup": "跟踪回访服务发布 · followup publishes",
    "sources": "警情来源单位发布 · sources of calls publish",
}
READERS = {
    "intake": "受理服务读取 · intake reads",
    "triage": "研判分流服务读取 · triage reads",
    "mediation": "调解服务读取 · mediation reads",
    "followup": "跟踪回访服务读取 · followup reads",
    "partners": "合作单位读取 · partners read",
    "sources": "警情来源单位读取 · sources of calls read",
}
