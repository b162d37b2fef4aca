"""Is the process alive, and can it do its work? Open to everybody, and says no more than the names of the checks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

Check = Callable[[], Awaitable[None]]
_SECONDS = 2.0


class AliveOut(BaseModel):
    """存活。Alive."""

    alive: bool = Field(description="进程能够应答。The process answers.", examples=[True])


class ReadyOut(BaseModel):
    """就绪与否。Ready or not."""

    ready: bool = Field(description="可以服务。It can do its work.", examples=[True])
    checks: dict[str, str] = Field(
        description="各部件：ok、timeout 或 failed。Each part: ok, timeout, or failed with the kind of error.",
        examples=[{"postgres": "ok"}],
    )


def health_routes(checks: Mapping[str, Check], *, seconds: float = _SECONDS) -> APIRouter:
    """`checks` raise when their part is not usable; each has its own time limit and they run side by side."""
    router = APIRouter(tags=["健康 Health"])

    @router.get("/livez", summary="进程存活 Alive", operation_id="livez", response_model=AliveOut)
    async def livez() -> JSONResponse:
        """进程能够应答。The process answers."""
        return JSONResponse({"alive": True})

    red: dict[int | str, dict[str, Any]] = {503: {"description": "未就绪 Not ready", "model": ReadyOut}}

    @router.get("/readyz", summary="可以服务 Ready", operation_id="readyz", response_model=ReadyOut, responses=red)
    async def readyz() -> JSONResponse:
        """所依赖的部件可用。The parts it cannot work without are usable."""
        outcomes = await asyncio.gather(*(_run(check, seconds) for check in checks.values()))
        ready = all(outcome == "ok" for outcome in outcomes)
        return JSONResponse({"ready": ready, "checks": dict(zip(checks, outcomes, strict=True))}, 200 if ready else 503)

    return router


async def _run(check: Check, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            await check()
    except TimeoutError:
        return "timeout"
    except Exception as error:  # the answer is the handling: red, with the kind of error
        return f"failed: {type(error).__name__}"
    return "ok"
