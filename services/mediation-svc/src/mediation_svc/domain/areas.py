"""Which area an organisation's code begins with (CONTRACTS §6: `31/310109/310109010`)."""

import re

_AREA = re.compile(r"(\d{2})(\d{4})(\d{3})?(?=-|$)")


def scope_path_of(organisation_code: str | None) -> str | None:
    """None for no code, or one that begins with no area: then the city alone sees what it holds."""
    found = _AREA.match(organisation_code or "")
    if found is None:
        return None
    city, district, street = found.groups()
    path = f"{city}/{city}{district}"
    return f"{path}/{city}{district}{street}" if street else path
