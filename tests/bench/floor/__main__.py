"""`python -m bench.floor api PORT | intake | triage | mediation | followup | story`: one process of the floor."""

from __future__ import annotations

import sys

import uvicorn
import uvloop
from bench.floor import story
from bench.floor.api import Api
from bench.floor.stage import worker_of


def main() -> None:
    name = sys.argv[1]
    if name == "api":
        uvicorn.run(
            Api(), host="127.0.0.1", port=int(sys.argv[2]), loop="uvloop", http="httptools", log_level="warning",
            access_log=False, lifespan="on",
        )  # fmt: skip
    elif name == "story":
        uvloop.run(story.run())
    else:
        uvloop.run(worker_of(name).run())


main()
