"""The body of POST /v1/calls: the fields of a dispatch system's call record (DOMAIN §3.5), flat."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from intake_svc.domain.instants import read_instant

EXAMPLE: dict[str, Any] = {
    "source": "hongkou-110",
    "call_no": "310109202601010001",
    "content": "报警人称楼上住户深夜装修，噪音很大，已持续一周，多次上门沟通无果，要求有关部门出面协调处理。",
    "reported_at": "2026-01-01 21:30:00",
    "caller_name": "王建国",
    "caller_phone": "13800138000",
    "contact_phone": "13800138000",
    "incident_address": "上海市虹口区曲阳路街道曲阳路800弄5号601室",
    "jurisdiction_code": "310109010-PCS1",
    "jurisdiction_name": "曲阳路派出所",
    "category": "060000",
    "has_weapon": "0",
    "updated_at": "2026-01-01 21:35:00",
}


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            return read_instant(value)
        except (ValueError, OverflowError):
            pass
    raise PydanticCustomError(
        "instant",
        "not an instant",
        {
            "cure_zh": "应为时间，如 2026-01-01 08:00:00（无时区按 +08:00）。",
            "cure_en": "Must be a time such as 2026-01-01 08:00:00 (+08:00 without a zone).",
        },
    )


def _mark(value: Any) -> Any:
    """0 and 1 come as numbers, texts and truth values."""
    return ("1" if value else "0") if isinstance(value, bool) else value


def _no_control(value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise PydanticCustomError(
            "control_character",
            "control character",
            {"cure_zh": "不得含有控制字符。", "cure_en": "Must not hold control characters."},
        )
    return value


_TIME_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]})
_MARK_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string", "maxLength": 16}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]}
)

Key = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    BeforeValidator(lambda v: _no_control(v) if isinstance(v, str) else v),
]
Code = Annotated[str | None, Field(max_length=64)]
Name = Annotated[str | None, Field(max_length=200)]
Line = Annotated[str | None, Field(max_length=500)]
Words = Annotated[str | None, Field(max_length=5000)]
Mark = Annotated[Annotated[str, Field(max_length=16)] | None, BeforeValidator(_mark), _MARK_SCHEMA]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string"})]
Time = Annotated[datetime | None, BeforeValidator(lambda v: None if v is None else _instant(v)), _TIME_SCHEMA]


def _says(zh: str, en: str, example: object, *, required: bool = False) -> Any:
    return Field(... if required else None, description=f"{zh}。{en}.", examples=[example])


class CallIn(BaseModel):
    """一通报警。One call.

    未列出的字段原样加密保存，并在 warnings 中列出；名称不像标识符的，以其在报文中的次序（如 #7）代之。
    Fields not listed are kept, encrypted, and named in `warnings`; one whose name is no plain identifier is told by its
    position in the body, such as #7.
    """

    model_config = ConfigDict(
        extra="allow", coerce_numbers_to_str=True, frozen=True, json_schema_extra={"examples": [EXAMPLE]}
    )

    source: Key = _says("来源系统，与令牌绑定", "The sending system; bound to its token", "hongkou-110", required=True)
    call_no: Key = _says(
        "接警单编号，同一来源内唯一",
        "The source's number of the call, unique there",
        "310109202601010001",
        required=True,
    )
    content: Annotated[str, Field(min_length=1, max_length=5000)] = _says(
        "报警内容，至多5000字", "What was told, 5,000 characters at most", EXAMPLE["content"], required=True
    )
    reported_at: Instant = _says(
        "报警时间，无时区按北京时间",
        "When it was reported; without a zone, China's",
        "2026-01-01 21:30:00",
        required=True,
    )
    content_extra: Words = _says("补充接警内容", "What was added to it", "当事人称愿意接受调解。")
    main_call_no: Code = _says("关联主接警单编号", "Number of the main call", "310109202601010000")
    region_code: Code = _says("行政区划代码", "Area code of the event", "310109")
    receiving_unit_code: Code = _says("接警单位代码", "Receiving unit", "310109000000")
    receiving_unit_name: Name = _says("接警单位名称", "Receiving unit's name", "虹口分局指挥中心")
    call_type: Code = _says("接警类型", "Type of call", "01")
    source_mode: Code = _says("警情来源方式", "Way it came in", "电话")
    recording_no: Name = _says("接警录音号，不外传", "Recording; never passed on", "R20260101-0001")
    operator_no: Code = _says("接警员编号", "Operator's number", "001234")
    operator_name: Name = _says("接警员姓名", "Operator's name", "李敏")
    answered_at: Time = _says("接警时间", "When the operator answered", "2026-01-01 21:30:05")
    finished_at: Time = _says("接警完成时间", "When the operator had finished", "2026-01-01 21:33:00")
    caller_phone: Name = _says(
        "报警电话，格式不符只提示不拒收", "Caller's number; an odd one is a warning", "13800138000"
    )
    subscriber_name: Name = _says("机主姓名", "Subscriber's name", "王建国")
    subscriber_address: Line = _says("机主地址", "Subscriber's address", "上海市虹口区曲阳路800弄5号601室")
    caller_name: Name = _says("报警人姓名，匿名可填“匿名”", "Caller's name; 匿名 when withheld", "王建国")
    caller_sex: Code = _says("报警人性别：0未知 1男 2女 9未说明", "Caller's sex, GB/T 2261.1", "1")
    contact_phone: Name = _says("联系电话，缺省为报警电话", "Number to call back", "13800138000")
    caller_id_type: Code = _says("证件类型", "Type of identity document", "111")
    caller_id_no: Name = _says("证件号码", "Number of the identity document", "11010519491231002X")
    caller_address: Line = _says("报警人地址", "Caller's address", "上海市虹口区曲阳路800弄5号601室")
    incident_address: Line = _says("警情地址", "Where it happened", "上海市虹口区曲阳路街道曲阳路800弄5号601室")
    jurisdiction_code: Code = _says("管辖派出所代码", "Police station in charge", "310109010-PCS1")
    jurisdiction_name: Name = _says("管辖派出所名称", "Police station's name", "曲阳路派出所")
    category: Code = _says("警情类别", "Class, the source's own code", "060000")
    type: Code = _says("警情类型", "Type within the class", "060100")
    subtype: Code = _says("警情细类", "Subtype", "060101")
    leaf: Code = _says("警情子类", "Finest class", "060101")
    level: Code = _says("警情等级", "Grade given by the source", "4")
    status: Code = _says("警情处理状态", "Status at the source", "02")
    tags: Line = _says("警情标签", "Tags, separated by commas", "纠纷,噪音")
    has_weapon: Mark = _says("有无武器，1有0无", "Weapon: 1 yes, 0 no", "0")
    has_danger: Mark = _says("有无危险物，1有0无", "Dangerous object: 1 yes, 0 no", "0")
    has_explosion: Mark = _says("有无爆炸，1有0无", "Explosion: 1 yes, 0 no", "0")
    trapped_note: Words = _says("被困人员情况", "On trapped persons", "无")
    injured_note: Words = _says("受伤人员情况", "On injured persons", "无")
    dead_note: Words = _says("死亡人员情况", "On dead persons", "无")
    caller_x: Code = _says("报警人经度", "Caller's longitude", "121.4872")
    caller_y: Code = _says("报警人纬度", "Caller's latitude", "31.2801")
    map_x: Code = _says("事发地经度", "Longitude of the event", "121.4872")
    map_y: Code = _says("事发地纬度", "Latitude of the event", "31.2801")
    coordinate_datum: Code = _says("坐标系", "Datum of the coordinates", "CGCS2000")
    confidential: Mark = _says("是否保密，1保密", "Keep the caller secret: 1 yes", "0")
    is_visited: Mark = _says("是否回访", "Visited by the source: 1 yes", "0")
    is_fed_back: Mark = _says("是否反馈", "Fed back at the source: 1 yes", "0")
    is_drill: Mark = _says("是否演练", "An exercise: 1 yes", "0")
    deleted: Mark = _says("是否删除", "Deleted at the source: 1 yes", "0")
    invalid: Mark = _says("是否无效", "Invalid at the source: 1 yes", "0")
    created_at: Time = _says("来源系统建立时间", "When the source made the record", "2026-01-01 21:33:00")
    updated_at: Time = _says(
        "来源系统更新时间，决定版本先后", "When the source changed it last; orders versions", "2026-01-01 21:35:00"
    )
