"""What goes to topics outside the own stream: notices, which are records, and states, which are read when sent."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from chassis.delivery.contracts import EventModel
from chassis.delivery.wire import write_notice_headers


class Notice(NamedTuple):
    """A record for partners or sources: numbered per key by `version`, in no stream, never answered with `after`."""

    notice_id: UUID
    referral_id: UUID
    topic: str
    key: str
    event_type: str
    model: EventModel
    version: int

    def headers(self, service: str, *, at: datetime) -> str:
        return orjson.dumps(
            write_notice_headers(
                notice_id=self.notice_id,
                event_type=self.event_type,
                service=service,
                subject=self.referral_id,
                at=at,
                version=self.version,
            )
        ).decode()


class StateChange(NamedTuple):
    """The present state under this key is to be published: which it is, the relay reads when it sends."""

    referral_id: UUID
    topic: str
    key: str
