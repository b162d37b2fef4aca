"""What followup states about a referral: it is being watched."""

from __future__ import annotations

from typing import Annotated, ClassVar

from referral_schemas.envelope import Instant, PublicEvent, says


class WatchOpened(PublicEvent):
    """The referral is watched until the gate closes it; a reopened one begins a new cycle."""

    TYPE: ClassVar[str] = "cn.liandong.followup.watch_opened.v1"

    cycle: Annotated[int, says("第几轮跟踪，自 1 起", "Which round of watching, from 1", 1, ge=1)]
    opened_at: Annotated[Instant, says("跟踪开始时间", "When watching began", "2026-01-01T01:30:04.500Z")]
