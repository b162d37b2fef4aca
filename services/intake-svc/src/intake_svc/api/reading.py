"""From a body to what the use case takes: form checked, identity and content hashed, oddities listed."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from chassis.malformed import malformed_json, malformed_request
from chassis.sealing import index_of
from pydantic import ValidationError

from intake_svc.api.field_names import told_name
from intake_svc.api.models import CallIn
from intake_svc.domain.identity import identity_text
from intake_svc.domain.masking import MaskingRules
from intake_svc.domain.numbers import looks_like_citizen_number, looks_like_phone
from intake_svc.domain.submission import Submission, content_of

Warnings = list[dict[str, str]]
_MAX_WARNINGS = 50
_CITIZEN_ID_TYPES = frozenset({"111", "01", "居民身份证", "身份证"})


class CallReader:
    def __init__(self, masking: MaskingRules, index_key: bytes) -> None:
        self._masking, self._index_key = masking, index_key

    def read(self, body: bytes) -> tuple[Submission, Warnings]:
        """Raises a 422 problem that names the fields. The edge has refused what is no JSON, NUL and lone surrogates."""
        fields = orjson.loads(body or b"null")
        if not isinstance(fields, dict):
            raise malformed_json("请求体应为 JSON 对象。", "The body must be a JSON object.")
        try:
            call = CallIn.model_validate(fields)
        except ValidationError as error:
            raise malformed_request(error.errors(include_url=False)) from None
        return self._submission(call, fields, body), list(_warnings(call, list(fields)))

    def _submission(self, call: CallIn, fields: dict[str, Any], body: bytes) -> Submission:
        content = orjson.dumps(content_of(fields), option=orjson.OPT_SORT_KEYS)
        identity = identity_text(call.source, fields, self._masking)
        return Submission(
            source=call.source,
            call_no=call.call_no,
            reported_at=call.reported_at,
            updated_at=call.updated_at,
            content_hash=index_of(self._index_key, "content\x1f" + content.decode()),
            fields=fields,
            body=body,
            identity_key=index_of(self._index_key, identity) if identity is not None else None,
            station_code=(call.jurisdiction_code or "").strip() or None,
        )


def _warnings(call: CallIn, sent: Sequence[str]) -> Iterable[dict[str, str]]:
    for name in list(call.model_extra or {})[:_MAX_WARNINGS]:
        yield {"field": told_name(name, sent), "code": "unknown_field"}
    for name in ("caller_phone", "contact_phone"):
        number = getattr(call, name)
        if number and not looks_like_phone(number):
            yield {"field": name, "code": "phone_not_recognised"}
    is_citizens = (call.caller_id_type or "111") in _CITIZEN_ID_TYPES
    if call.caller_id_no and is_citizens and not looks_like_citizen_number(call.caller_id_no):
        yield {"field": "caller_id_no", "code": "id_not_recognised"}
