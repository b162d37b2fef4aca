"""What a field that nobody knows holds, by the look of its value: rather one word masked than one person told."""

import re
from collections.abc import Collection

from intake_svc.domain.addresses import is_house_run
from intake_svc.domain.spelling import bare, with_plain_digits

_HAN = re.compile(r"[\u3400-\u9fff]+")
_FOREIGN_NAME = re.compile(r"[\u3400-\u9fff]{1,8}[·•‧・][\u3400-\u9fff·•‧・]{1,12}")
_IDENTIFIER = re.compile(r"(?=(?:[^0-9]*[0-9]){5})[0-9a-z@+]{5,40}")
_LONGEST_ADDRESS = 60


def kind_by_look(value: str, surnames: Collection[str]) -> str | None:
    """A name that begins with a surname, an identifier with five digits or more, an address with house numbers."""
    plain = bare(value)
    if _is_name(plain, surnames) or _FOREIGN_NAME.fullmatch(value.strip()):
        return "NAME"
    if _IDENTIFIER.fullmatch(plain):
        return "NUMBER"
    if len(plain) <= _LONGEST_ADDRESS and is_house_run(with_plain_digits(plain)):
        return "ADDRESS"
    return None


def _is_name(plain: str, surnames: Collection[str]) -> bool:
    """One or two characters after a surname of one, as after a surname of two."""
    return _HAN.fullmatch(plain) is not None and any(
        plain[:length] in surnames and len(plain) - length in (1, 2) for length in (1, 2)
    )
