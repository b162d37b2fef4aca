"""`make bench`: measures ours, the floor and the weekend version one after the other, and prints the table."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from functools import partial

import uvloop
from bench import publishing
from bench.course import Course
from bench.findings import RECORDED, Findings, merged, read, write
from bench.plan import BadPlan, Plan
from bench.road import Series
from bench.servers import FOLDER
from bench.steps import steps_of
from stack.layout import ROOT

FOUND = ROOT / ".local/bench.json"
SERIES = FOLDER / "series.json"


def main() -> int:
    try:
        plan = Plan.from_environment(os.environ)
    except BadPlan as error:
        print(error, file=sys.stderr)
        return 2
    course = Course(out=partial(print, flush=True))
    series: Series = read(SERIES) or {}
    findings = Findings(plan, course.say)
    has_stood = False
    try:
        has_stood = uvloop.run(course.run(steps_of(plan, findings, series), findings))
    except KeyboardInterrupt:
        course.say("stopped; what was found so far is kept")
    found = findings.rows(read(RECORDED) or {})
    rows = merged(read(FOUND) or [], found)
    write(FOUND, rows)
    if not plan.is_quick:
        write(SERIES, series)
        publishing.draw(series, FOLDER)
        if plan.is_published:
            publishing.publish(rows, series)
    print(publishing.terminal([asdict(row) for row in found]))
    return 0 if has_stood else 1


sys.exit(main())
