"""A confidential caller is known to the police only (DOMAIN §1.9): others read the call without knowing whose it is."""

from collections.abc import Mapping
from typing import Any

from intake_svc.domain.fields import as_text, is_marked, text_of
from intake_svc.domain.masking import MaskingRules, mask

_TEXTS = ("content", "content_extra")


def without_caller(fields: Mapping[str, Any], rules: MaskingRules) -> tuple[dict[str, Any], bool]:
    """The fields that may be shown, and whether something was kept back."""
    if not is_marked(fields, "confidential"):
        return dict(fields), False
    shown = {
        name: value
        for name, value in fields.items()
        if name not in _TEXTS and not isinstance(value, dict | list) and not rules.kind_of(name, as_text(value) or "")
    }
    shown |= {name: mask(text_of(fields, name), fields, rules).text for name in _TEXTS if text_of(fields, name)}
    return shown, True
