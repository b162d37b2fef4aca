"""FastAPI with a session per request: the call is committed, then sent and waited for, then answered."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from bench.weekend.tables import CallRow
from fastapi import Depends, FastAPI
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class CallIn(BaseModel):
    source: str
    call_no: str
    content: str
    reported_at: datetime
    caller_name: str | None = None
    caller_phone: str | None = None
    incident_address: str | None = None
    jurisdiction_code: str | None = None


class CallOut(BaseModel):
    call_no: str
    referral_id: str
    state: str


def make_app() -> FastAPI:
    sessions = async_sessionmaker(create_async_engine(database_url(), pool_size=10), expire_on_commit=False)
    kept: dict[str, Any] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        kept["producer"] = AIOKafkaProducer(bootstrap_servers=os.environ["WEEKEND_BOOTSTRAP_SERVERS"])
        await kept["producer"].start()
        yield
        await kept["producer"].stop()

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/calls", status_code=202, response_model=CallOut)
    async def submit_call(call: CallIn, db: AsyncSession = Depends(session)) -> CallOut:  # noqa: B008
        row = await db.get(CallRow, call.call_no)
        if row is None:
            row = CallRow(call_no=call.call_no, referral_id=str(uuid.uuid4()), body=call.model_dump_json())
            db.add(row)
            await db.commit()
            await kept["producer"].send_and_wait("weekend.intake", row.body.encode(), key=row.referral_id.encode())
        return CallOut(call_no=row.call_no, referral_id=row.referral_id, state="received")

    return app


def database_url() -> str:
    return os.environ["WEEKEND_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://")
