"""python -m triage_svc api | worker | migrate | openapi
python -m triage_svc adopt-restore [--without NAME]…        after a restore from a backup
python -m triage_svc load-directory FILE                    uses TRIAGE_DATABASE_URL
python -m triage_svc classify < in.jsonl > out.jsonl        needs no database
python -m triage_svc route [--directory FILE] < in.jsonl > out.jsonl
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from chassis.database_errors import DatabaseUnavailable
from chassis.settings import SettingsError

from triage_svc.cli import UnreadableLine, run_classify, run_route
from triage_svc.domain.errors import DirectoryRefused

_OF_FILES = frozenset({"load-directory", "route"})


def main(words: Sequence[str]) -> int:
    """0 done, 1 refused (the reasons on stderr), 2 not understood or not configured."""
    options = _parser().parse_args(words)
    try:
        return COMMANDS[options.command](options)
    except SettingsError as error:
        print(f"配置有误 settings: {error}", file=sys.stderr)
        return 2
    except (DirectoryRefused, UnreadableLine) as error:
        print(error, file=sys.stderr)
    except FileNotFoundError as error:
        if options.command not in _OF_FILES:
            raise  # to the log, which shows no path
        print(error, file=sys.stderr)
    except DatabaseUnavailable:
        print("数据库不可用，请检查 TRIAGE_DATABASE_URL · database not available, check it", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m triage_svc", usage=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("api", "worker", "migrate", "openapi", "classify"):
        commands.add_parser(name)
    commands.add_parser("adopt-restore").add_argument("--without", action="append", default=[])
    commands.add_parser("load-directory").add_argument("file", type=Path)
    commands.add_parser("route").add_argument("--directory", type=Path)
    return parser


def _serving(name: str) -> Callable[[argparse.Namespace], int]:
    """main pulls in the web and broker clients, which `classify` and `route` can do without."""

    def run(_: argparse.Namespace) -> int:
        from chassis.openapi_document import print_openapi

        from triage_svc import main as root

        processes: dict[str, Callable[[], int]] = {
            "api": root.api,
            "worker": root.worker,
            "migrate": root.migrate,
            "openapi": partial(print_openapi, root.make_api),
        }
        return processes[name]()

    return run


def _adopt_restore(options: argparse.Namespace) -> int:
    from triage_svc.main import adopt_restore

    return adopt_restore([f"--without={name}" for name in options.without])


def _load_directory(options: argparse.Namespace) -> int:
    from triage_svc.main import load_directory

    print(load_directory(options.file))
    return 0


def _classify(_: argparse.Namespace) -> int:
    run_classify(sys.stdin.buffer, sys.stdout.buffer)
    return 0


def _route(options: argparse.Namespace) -> int:
    run_route(sys.stdin.buffer, sys.stdout.buffer, options.directory)
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "api": _serving("api"),
    "worker": _serving("worker"),
    "migrate": _serving("migrate"),
    "openapi": _serving("openapi"),
    "adopt-restore": _adopt_restore,
    "load-directory": _load_directory,
    "classify": _classify,
    "route": _route,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
