"""The parts of a Chinese city address that say more than the road: what must not leave intake."""

import re
from collections.abc import Iterable

from chassis.patterns import begun_well

from intake_svc.domain.spelling import Copy, bare, with_plain_digits

_REGION = re.compile(
    r"^(?:中国)?(?:[^省市区县]{2,8}(?:省|自治区))?(?:[^省市区县]{1,8}市)?(?:[^省市区县]{1,8}(?:新区|区|县))?"
)
_STREET = re.compile(r"^(?:[^弄号0-9]{2,8}?街道|[^路街弄号0-9]{2,6}?[镇乡])(?=.)")
_HOUSE = re.compile(r"[0-9]{1,5}[a-z]?(?:弄|号楼|号|室|栋|幢|单元|座|支弄|楼|层|村)?")
_UNIT = r"[0-9]{1,5}[a-z]?(?:支弄|弄|号楼|号|室|栋|幢|单元|座|楼|层)"
_RUN = begun_well(rf"(?:{_UNIT}){{1,6}}(?:[0-9]{{2,5}}(?![0-9年月日时点分元块万人次条天岁%]))?")
_PLACES_OF_ITS_OWN = re.compile(rf"{_UNIT}")
_NUMBERED = re.compile(r"([0-9]{1,5})[a-z]?(?:支弄|弄|号楼|号|室|栋|幢|单元|座|楼|层)")
_MANY_DIGITS = re.compile(r"[0-9]{6,}")
# Alone in a text these may be a date, a floor or a count; in a run, or with one of the others, they are an address.
_TELLING = re.compile(r"弄|室|栋|幢|单元|号楼")


def without_region(address: str) -> str:
    """Without province, city and district; empty when there is nothing more."""
    return _REGION.sub("", address, count=1)


def without_street(local: str) -> str:
    """Without the sub-district or town in front of the road."""
    return _STREET.sub("", local, count=1)


def address_parts(address: str) -> Iterable[str]:
    """The spellings in which people repeat an address: with less and less of its front, and its tail alone."""
    plain = with_plain_digits(bare(address))
    yield plain
    local = without_region(plain)
    yield local
    if "市" in plain:
        yield plain.split("市", 1)[1]
    after_street = without_street(local)
    yield after_street
    yield from _heads(after_street)
    yield from _tails(after_street)
    yield from _numbers_alone(after_street)


def _heads(local: str) -> Iterable[str]:
    """The road with the first number, the first two, …: the front of the address, the room left out."""
    for unit in _PLACES_OF_ITS_OWN.finditer(local):
        yield local[: unit.end()]


def _tails(local: str) -> Iterable[str]:
    """From each number to the end, while it still says more than one number."""
    for match in _HOUSE.finditer(local):
        tail = local[match.start() :]
        says_more = len(_PLACES_OF_ITS_OWN.findall(tail)) > 1 or _TELLING.search(tail) or _MANY_DIGITS.fullmatch(tail)
        if len(tail) >= 4 and says_more:
            yield tail


def _numbers_alone(local: str) -> Iterable[str]:
    """`12弄3号401室` as people also write it: 12-3-401, of which the bare copy keeps the digits."""
    numbers = [unit.group(1) for unit in _NUMBERED.finditer(local)]
    joined = "".join(numbers)
    if len(numbers) > 1 and _MANY_DIGITS.fullmatch(joined):
        yield joined


def house_runs(address: str | None, copy: Copy) -> Iterable[tuple[str, tuple[int, int]]]:
    """Runs of lane, house and room numbers: with an address those that share a number with it, else all with two.

    The copy's digits are plain already.
    """
    own = set(_PLACES_OF_ITS_OWN.findall(with_plain_digits(bare(address)))) if address is not None else set()
    for match in _RUN.finditer(copy.text):
        units = _PLACES_OF_ITS_OWN.findall(match.group())
        if _is_own(units, own) if address is not None else _is_address(match.group(), units):
            yield match.group(), copy.span(match.start(), match.end())


def is_house_run(text: str) -> bool:
    """Whether an address with house numbers stands in this text, its digits plain."""
    return any(_is_address(match.group(), _PLACES_OF_ITS_OWN.findall(match.group())) for match in _RUN.finditer(text))


def _is_own(units: list[str], own: set[str]) -> bool:
    shared = own.intersection(units)
    return bool(shared) and (len(units) > 1 or any(_TELLING.search(unit) or len(unit) > 3 for unit in shared))


def _is_address(run: str, units: list[str]) -> bool:
    return len(units) > 1 and _TELLING.search(run) is not None
