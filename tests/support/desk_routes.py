"""What people may ask of the toy service `desk`."""

from typing import Annotated, Any
from uuid import UUID

from chassis.auth import Caller, require
from chassis.commands import Answer, Asked, Commands, command
from chassis.delivery import Units
from chassis.problems import Problem, guard_refused, problems, transition_refused
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field
from support.toys import Pinged, ToyWork

UNLUCKY, GUARDED = 13, 14
"""Numbers that the toy's domain refuses: by its table, and by a guard."""


class DeskRefused(Exception):
    def __init__(self, n: int) -> None:
        super().__init__(f"{n}")
        self.n = n


def explain(refusal: Any) -> Problem:
    if refusal.n == GUARDED:
        return guard_refused("not_yet", "时候未到。", "Not yet.", basis="人民调解法第二十三条 PML art. 23")
    return transition_refused("counting", "ping", ["wait", "close"])


class Ping(BaseModel):
    n: int = Field(description="数。Number.", examples=[5])
    note: str | None = Field(default=None, description="备注。Note.", examples=["电话约谈"])


class NewThing(BaseModel):
    thing_id: UUID = Field(description="编号。Id.", examples=["0199aa00-0000-7000-8000-000000000000"])
    n: int = Field(description="数。Number.", examples=[5])


class ThingOut(BaseModel):
    count: int = Field(description="次数。How often.", examples=[2])
    digest: int = Field(description="摘要。Digest.", examples=[17])
    text_id: UUID | None = Field(default=None, description="备注编号。Id of the note.", examples=[None])


def desk_routes(units: Units[ToyWork], schema: str) -> APIRouter:
    router = APIRouter(prefix="/v1/things", tags=["案头 Desk"])
    commands = Commands(units, schema)

    @router.post("", status_code=201, response_model=ThingOut, responses=problems(409), summary="开立 Open")
    async def open_thing(
        wanted: NewThing, asked: Annotated[Asked, Depends(command("clerk", creates=True))]
    ) -> Response:
        """开立。Open."""

        def act(work: ToyWork) -> Answer:
            _count(work, wanted.thing_id, wanted.n)
            return _answer(work, wanted.thing_id, status=201, location=f"/v1/things/{wanted.thing_id}")

        return await commands.run(asked, "open_thing", [wanted.thing_id], version=lambda _: None, act=act)

    @router.post("/{thing_id}/ping", response_model=ThingOut, responses=problems(404, 409), summary="计数 Count")
    async def ping(thing_id: UUID, ping: Ping, asked: Annotated[Asked, Depends(command("clerk", "chief"))]) -> Response:
        """计数。Count."""

        def version(work: ToyWork) -> int:
            held = work.tallies.find(thing_id)
            if held is None:
                raise Problem(404, "thing_not_found", "没有。", "There is none.")
            return held.count

        def act(work: ToyWork) -> Answer:
            if ping.n in (UNLUCKY, GUARDED):
                raise DeskRefused(ping.n)
            text_id = work.keep_text("ping_note", ping.note)
            _count(work, thing_id, ping.n)
            return _answer(work, thing_id, text_id=text_id)

        return await commands.run(asked, "ping_thing", [thing_id], version=version, act=act)

    @router.get("", summary="随意 Anybody", responses=problems(401))
    async def whoami(by: Annotated[Caller, Depends(require())]) -> dict[str, Any]:
        """谁在问。Who asks."""
        return {"sub": by.sub, "roles": sorted(by.roles), "source": by.source, "scope_path": by.scope_path}

    @router.get("/system", summary="系统 Systems", responses=problems(401))
    async def system(by: Annotated[Caller, Depends(require("source_system"))]) -> dict[str, Any]:
        """系统。Systems."""
        return {"source": by.source}

    return router


def _count(work: ToyWork, thing_id: UUID, n: int) -> None:
    work.tallies.put(thing_id, work.tally(thing_id).add(n))
    work.record(thing_id, Pinged(n=n))


def _answer(work: ToyWork, thing_id: UUID, *, text_id: UUID | None = None, **how: Any) -> Answer:
    held = work.tally(thing_id)
    return Answer(ThingOut(count=held.count, digest=held.digest, text_id=text_id), version=held.count, **how)
