"""The local stack from the command line; what the make targets call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

USAGE = """usage: python -m stack COMMAND

  run          start everything, feed sample calls, print `ready`, serve until Ctrl-C
  up           start everything in the background; comes back when it is ready
  down         stop it; comes back when everything is gone
  feed FILE    post the rows of a JSONL file as calls (feed --help)
  ledger       is every accepted call accounted for? (ledger --help)
  demo         sample calls and their journey, on a stack that is up
  fetch-jars DIR   fetch Kafka's jars into DIR, if any is missing or damaged

exit codes of run, up, down:
  0  done (up: also when a stack already runs; run: also after Ctrl-C)
  1  it could not start, or the demonstration failed; the reason and the end of the log are printed
  2  wrong usage, or a variable that holds no port
  3  run: a stack already runs in this folder
  4  a port is taken; the message names it and the variable that changes it

ports on 127.0.0.1, and the variables that change them (PORT_OFFSET is added to each):
  INTAKE_HTTP_PORT 8101, TRIAGE_HTTP_PORT 8102, MEDIATION_HTTP_PORT 8103, FOLLOWUP_HTTP_PORT 8104
  KAFKA_PORT 19092, KAFKA_CONTROLLER_PORT 19093, POSTGRES_PORT 15432
  INTAKE_API_METRICS_PORT 8201 … FOLLOWUP_API_METRICS_PORT 8204,
  INTAKE_WORKER_METRICS_PORT 8301 … FOLLOWUP_WORKER_METRICS_PORT 8304
servers of your own instead of the embedded ones:
  DATABASE_URL (an administrator's), KAFKA_BOOTSTRAP_SERVERS
state, logs and secrets: .local/stack.json, .local/log, .local/secrets"""


def feed(words: Sequence[str]) -> int:
    from stack import feed

    return int(feed.main(words))


def ledger(words: Sequence[str]) -> int:
    from stack import ledger

    return int(ledger.main(words))


def demo(words: Sequence[str]) -> int:
    from stack import demo

    return int(demo.main(words))


def fetch_jars(words: Sequence[str]) -> int:
    from pathlib import Path

    from stack import jars

    try:
        jars.class_path(Path(words[0]), say=lambda text: print(text, flush=True))
    except jars.JarsUnavailableError as error:
        print(error)
        return 1
    return 0


def stack_command(words: Sequence[str]) -> int:
    from stack import commands
    from stack.ports import BadPortError

    known: dict[str, Callable[[], int]] = {
        "run": commands.run,
        "up": commands.up,
        "down": commands.down,
        "serve": commands.serve,
    }
    try:
        return known[words[0]]()
    except (BadPortError, PermissionError) as error:
        print(error, file=sys.stderr)
        return 2


def main(words: Sequence[str]) -> int:
    if words and words[0] in ("run", "up", "down", "serve") and len(words) == 1:
        return stack_command(words)
    others = {"feed": feed, "ledger": ledger, "demo": demo, "fetch-jars": fetch_jars}
    if words and words[0] in others:
        return others[words[0]](words[1:])
    wanted_help = list(words) in (["--help"], ["-h"])
    print(USAGE, file=sys.stdout if wanted_help else sys.stderr)
    return 0 if wanted_help else 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
