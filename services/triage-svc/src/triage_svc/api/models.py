"""What triage shows of its decisions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field

EXAMPLE_DECISION = "01997b3c-6c80-7b1d-a2c3-d4e5f6071829"
EXAMPLE_REFERRAL = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01"
EXAMPLE_EVIDENCE = {
    "reason": "station_pairing",
    "office": {"code": "310109010-SFS", "name": "曲阳路司法所"},
    "second_stage": {"code": "310109010-PMC", "name": "曲阳路街道人民调解委员会"},
    "candidates": [{"code": "310109010-SFS", "name": "曲阳路司法所", "score": 1.0, "reason": "station_pairing"}],
    "station_code": "310109010-PCS1",
    "area_code": "310109010",
}


class DecisionOut(BaseModel):
    """A decision, what it rests on, and the rules it was made by. 研判决定、依据与规则版本。"""

    id: UUID = Field(description="决定编号。Decision id.", examples=[EXAMPLE_DECISION])
    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_REFERRAL])
    kind: str = Field(
        description="决定种类：classify 分类定级，route 确定司法所。What was decided.", examples=["route"]
    )
    outcome: str = Field(
        description="结论：类别，或 assigned、review、none。The category, or how routing ended.", examples=["assigned"]
    )
    evidence: dict[str, Any] = Field(
        description="依据：触发的规则与候选单位，不含报警原文。Rules fired and candidates, never the caller's text.",
        examples=[EXAMPLE_EVIDENCE],
    )
    versions: dict[str, str] = Field(
        description="所用规则与组织目录的版本。Versions of rules and directory.",
        examples=[{"routing": "2026-11-25+1a2b3c4d", "directory": "hongkou:2026-11-25+5e6f7a8b"}],
    )
    at: datetime = Field(description="作出时间。When.", examples=["2026-01-01T01:30:02.500Z"])

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        return cls.model_validate(row)
