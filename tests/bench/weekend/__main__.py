"""`python -m bench.weekend api PORT | intake | triage | mediation | followup`: one process of the weekend version."""

from __future__ import annotations

import asyncio
import sys

import uvicorn
from bench.weekend.api import make_app
from bench.weekend.stage import run


def main() -> None:
    name = sys.argv[1]
    if name == "api":
        uvicorn.run(make_app(), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
    else:
        asyncio.run(run(name))


main()
