"""Does a number look like one? A doubt is a warning to the source, never a refusal (DOMAIN §3.3, §3.4)."""

import re
from datetime import date

from intake_svc.domain.masking import phone_number

_PHONES = re.compile(
    r"1[3-9][0-9]{9}[0-9]{0,6}|0[0-9]{2,3}[2-9][0-9]{6,7}[0-9]{0,6}|[2-9][0-9]{7}|[48]00[0-9]{7}|9[56][0-9]{3,6}"
)
_SHORT = frozenset({"110", "119", "120", "122", "12110", "12345", "12348", "12338", "12355", "12368", "12309"})
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def looks_like_phone(text: str) -> bool:
    digits = phone_number(text)
    return digits in _SHORT or _PHONES.fullmatch(digits) is not None


def looks_like_citizen_number(text: str) -> bool:
    """GB 11643: 17 digits, a real date in them, and the MOD 11-2 check character."""
    number = text.strip().upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", number):
        return False
    try:
        date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _CHECKS[total % 11] == number[17]
