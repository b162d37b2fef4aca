"""The weekend version: what one writes in two days with the usual pieces. ORM models, one table a stage."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import DateTime, MetaData, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable

TOPICS = ["weekend.intake", "weekend.triage", "weekend.followup"]


class Base(DeclarativeBase):
    metadata = MetaData()


class CallRow(Base):
    __tablename__ = "call"
    call_no: Mapped[str] = mapped_column(primary_key=True)
    referral_id: Mapped[str] = mapped_column(postgresql.UUID(as_uuid=False))
    body: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class ReferralRow(Base):
    __tablename__ = "referral"
    referral_id: Mapped[str] = mapped_column(postgresql.UUID(as_uuid=False), primary_key=True)
    body: Mapped[str]


class MirrorRow(Base):
    __tablename__ = "mirror"
    referral_id: Mapped[str] = mapped_column(postgresql.UUID(as_uuid=False), primary_key=True)
    body: Mapped[str]


class WatchRow(Base):
    __tablename__ = "watch"
    referral_id: Mapped[str] = mapped_column(postgresql.UUID(as_uuid=False), primary_key=True)
    body: Mapped[str]


def tables() -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return ";".join(str(CreateTable(table).compile(dialect=dialect)) for table in Base.metadata.sorted_tables)
