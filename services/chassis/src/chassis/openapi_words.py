"""What a person reads on the documentation page that holds for every service, and in which order it stands there."""

from collections.abc import Iterable
from typing import Any

HOW_TO = """\
点 Authorize 填入令牌；每项操作的说明列出可办理的角色。修改类操作须带 `If-Match`（上次读取所得 `ETag`，或 `*`），\
并建议带 `Idempotency-Key`：同键重发得到同一答复。被拒绝时，`detail_zh` 说明原因与办法，`allowed` 列出当前可行的操作。

Authorize with a token; each operation names the roles that may ask for it. What changes something takes `If-Match` \
(the `ETag` of your last read, or `*`) and should carry an `Idempotency-Key`: sent again under the same key it gets \
the same answer. A refusal says in `detail_en` why and what to do, and in `allowed` what may be done now."""

SHARED = {
    "时限 Clocks": "每个时限的规则、日历、中止与下次触发。Each clock with its rule, calendar, pauses and next firing.",
    "文本 Texts": "加密保存的原文，每次读取均记入审计。What was written, kept sealed; each reading is audited.",
    "运维 Ops": "事件流的比对、搁置、重发与作废。Streams compared, events parked, sent again or discarded.",
    "审计 Audit": "操作记录与链式校验。Who did what, and whether the chain holds.",
    "密钥 API keys": "系统所用密钥的签发与吊销。Keys of systems, given and taken back.",
    "健康 Health": "存活与就绪。Alive and ready.",
}
"""Tags of all services; they follow the service's own, in this order."""


def introduce(document: dict[str, Any], operations: Iterable[dict[str, Any]]) -> None:
    """The business first, what operators need after it; an operation stands in one group, its narrowest."""
    info = document["info"]
    info["description"] = "\n\n".join(text for text in (info.get("description"), HOW_TO) if text)
    seen = []
    for operation in operations:
        operation["tags"] = operation.get("tags", [])[-1:]
        seen += operation["tags"]
        _say_who_may(operation)
        for response in operation["responses"].values():
            if response["description"] == "Successful Response":
                response["description"] = "成功。Done."
    own = [tag for tag in dict.fromkeys(seen) if tag not in SHARED]
    shared = [tag for tag in SHARED if tag in seen]
    document["tags"] = [{"name": tag} for tag in own] + [{"name": tag, "description": SHARED[tag]} for tag in shared]


def _say_who_may(operation: dict[str, Any]) -> None:
    if roles := operation.get("x-roles"):
        named = "、".join(f"`{role}`" for role in roles)
        told = operation.get("description")
        operation["description"] = "\n\n".join(text for text in (told, f"角色 Roles: {named}") if text)
