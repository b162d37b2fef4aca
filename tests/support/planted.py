"""Calls full of people who do not exist, and the list of all that must never be seen outside the vault.

Every person, number and house occurs once in the world: phones begin and end so that no timestamp looks like one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

SURNAMES = ("欧阳", "司徒", "夏侯", "诸葛", "慕容")
GIVEN = "翊珩霁砚湉昶翀煜琤澍玥笙骞瑄祎斓彧筱琬旻"
MOBILES = ("186", "187", "188", "189", "199")
ROADS = ("曲阳路", "大连西路", "广中路", "嘉兴路", "凉城路", "四川北路", "东大名路", "场中路")
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")
Spelling = Callable[[str], str]


@dataclass(frozen=True)
class Person:
    name: str
    phone: str
    landline: str
    id_no: str
    house: str
    address: str


def person(n: int) -> Person:
    """The n-th of 2,000."""
    road, house = ROADS[n % len(ROADS)], _house(n)
    return Person(
        name=SURNAMES[n % 5] + GIVEN[n // 5 % 20] + GIVEN[n // 100 % 20],
        phone=f"{MOBILES[n % 5]}{(n * 48_611 + 2_025_007) % 9_999_991:07d}{1 + n % 9}",
        landline=f"02169{(n * 7_919 + 34_567) % 99_991:05d}{1 + n % 9}",
        id_no=_citizen_number(n),
        house=house,
        address=f"上海市虹口区{road}{house}",
    )


def _house(n: int) -> str:
    number, room = 1200 + n, 1101 + n * 7 % 1800
    match n % 4:
        case 0:
            return f"{number}号{n % 60 + 2}幢{n % 5 + 1}单元{room}室"
        case 1:
            return f"{number}号{n % 28 + 3}楼{room}室"
        case _:
            return f"{number}弄{n % 90 + 2}号{room}室"


def _citizen_number(n: int) -> str:
    body = f"310109{1950 + n % 55}{n % 12 + 1:02d}{n % 28 + 1:02d}{n * 37 % 1000:03d}"
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


NAMES: Sequence[Spelling] = (
    lambda name: name,
    lambda name: " ".join(name),
    lambda name: "·".join((name[:2], name[2:])),
    lambda name: f"{name[:2]}\u200b{name[2:]}",
    lambda name: "　".join(name),
)
PHONES: Sequence[Spelling] = (
    lambda phone: phone,
    lambda phone: f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
    lambda phone: f"+86 {phone[:3]} {phone[3:7]} {phone[7:]}",
    lambda phone: phone.translate(FULL_WIDTH),
    lambda phone: f"0086{phone}",
    lambda phone: phone.translate(CHINESE),
    lambda phone: f"（+86）{phone}",
)
NUMBERS: Sequence[Spelling] = (
    lambda number: number,
    lambda number: f"{number[:6]} {number[6:14]} {number[14:]}",
    lambda number: number.translate(FULL_WIDTH).lower(),
)
ADDRESSES: Sequence[Spelling] = (
    lambda address: address,
    lambda address: address.removeprefix("上海市"),
    lambda address: address.removeprefix("上海市虹口区"),
    lambda address: tail(address),
    lambda address: tail(address).translate(FULL_WIDTH),
    lambda address: tail(address).removesuffix("室"),
    lambda address: tail(address).replace("弄", "弄 ").replace("号", "号，"),
    lambda address: tail(address).translate(CHINESE),
)


def tail(address: str) -> str:
    """From the first house number on."""
    return address[next(at for at, character in enumerate(address) if character.isdigit()) :]


def pick(spellings: Sequence[Spelling], n: int, value: str) -> str:
    return spellings[n % len(spellings)](value)


TOLD = (
    "楼上住户卫生间漏水，多次上门沟通无果",
    "隔壁装修噪音扰民，要求有人协调",
    "兄弟之间为老人赡养费发生争执",
    "夫妻为离婚后财产分割争执不下",
    "与医院为手术效果有纠纷",
    "小区停车位被长期占用",
)
HELD_BACK = "对方拿菜刀威胁，"


@dataclass(frozen=True)
class Planted:
    """A call as its source sends it, and what in it is personal, by value: the field it came in."""

    body: dict[str, Any]
    personal: dict[str, str]


def planted_call(n: int, *, told: str | None = None, mobile_format: Spelling = str) -> Planted:
    """The n-th of 285: its people are its own, and its narrative names them all again, in other spellings."""
    caller, subscriber, operator, neighbour, witness, party, other = people = [person(n * 7 + at) for at in range(7)]
    personal = {
        "caller_name": caller.name,
        "caller_phone": mobile_format(caller.phone),
        "contact_phone": caller.landline,
        "caller_id_no": caller.id_no,
        "caller_address": subscriber.address,
        "incident_address": caller.address,
        "subscriber_name": subscriber.name,
        "subscriber_address": witness.address,
        "operator_name": operator.name,
        "recording_no": f"LY{operator.id_no[6:]}",
        "neighbour_name": neighbour.name,
        "neighbourMobile": neighbour.phone,
        "neighbour_id_no": neighbour.id_no,
        "landlord_address": neighbour.address,
        "对方姓名": party.name,
        "linkman": other.name,
    }
    rows = {"witness.name": witness.name, "witness.phone": witness.phone, "witness.id_no": witness.id_no}
    nested = {"parties": [{name.partition(".")[2]: value for name, value in rows.items()}]}
    content = f"{told or TOLD[n % len(TOLD)]}。" + "，".join(_repeated(n, people, personal)) + "。"
    remark = f"{witness.name}住{witness.address}，电话{subscriber.phone}，{operator.phone}"
    return Planted(
        body={
            "source": "hongkou-110",
            "call_no": f"PLANTED-{n}",
            "content": content,
            "content_extra": f"{pick(NAMES, n + 1, caller.name)}愿意调解，住{pick(ADDRESSES, n + 1, caller.address)}",
            "reported_at": f"2026-04-{n % 28 + 1:02d} {n // 28:02d}:00:00",
            "jurisdiction_code": f"3101090{('09', '10', '11', '14', '16', '17', '18', '19')[n % 8]}-PCS1",
            "updated_at": "2026-06-01 08:00:00",
            "nobody_knows_this_field": remark,
            **personal,
            **nested,
        },
        personal={value: f"{name} of {n}" for name, value in (personal | rows).items()}
        | {subscriber.phone: f"remark of {n}", operator.phone: f"remark of {n}"},
    )


def _repeated(n: int, people: Sequence[Person], personal: dict[str, str]) -> Iterator[str]:
    caller, subscriber, operator, neighbour, witness, party, other = people
    yield f"{pick(NAMES, n, caller.name)}电话{pick(PHONES, n, caller.phone)}或{pick(PHONES, n + 3, caller.phone)}"
    yield f"座机{caller.landline[:3]}-{caller.landline[3:]}"
    yield f"身份证{pick(NUMBERS, n, caller.id_no)}"
    yield f"住{pick(ADDRESSES, n, caller.address)}，又称{pick(ADDRESSES, n + 3, caller.address)}"
    yield f"机主{pick(NAMES, n + 2, subscriber.name)}住{pick(ADDRESSES, n + 5, subscriber.address)}"
    yield f"接警员{operator.name}录音{personal['recording_no']}"
    yield f"邻居{pick(NAMES, n + 3, neighbour.name)}手机{pick(PHONES, n + 1, neighbour.phone)}"
    yield f"证号{pick(NUMBERS, n + 1, neighbour.id_no)}房东住{pick(ADDRESSES, n + 2, neighbour.address)}"
    yield f"见证人{pick(NAMES, n + 4, witness.name)}{pick(PHONES, n + 2, witness.phone)}"
    yield f"证件{pick(NUMBERS, n + 2, witness.id_no)}家在{pick(ADDRESSES, n + 6, witness.address)}"
    yield f"对方是{pick(NAMES, n + 1, party.name)}，联系人{pick(NAMES, n + 2, other.name)}"
