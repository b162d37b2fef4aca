"""python -m followup_svc api | worker | migrate | openapi
python -m followup_svc adopt-restore [--without NAME]…    after a restore from a backup
python -m followup_svc rebuild-timeline                    beside the worker
"""

import sys
from collections.abc import Callable
from functools import partial

from chassis.openapi_document import print_openapi
from chassis.settings import SettingsError

from followup_svc.main import adopt_restore, api, make_api, migrate, rebuild_timeline, worker

COMMANDS: dict[str, Callable[[], int]] = {
    "api": api,
    "worker": worker,
    "migrate": migrate,
    "rebuild-timeline": rebuild_timeline,
    "openapi": partial(print_openapi, make_api),
}


def main(words: list[str]) -> int:
    if words[:1] != ["adopt-restore"] and (len(words) != 1 or words[0] not in COMMANDS):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return adopt_restore(words[1:]) if words[0] == "adopt-restore" else COMMANDS[words[0]]()
    except SettingsError as error:
        print(f"配置有误 settings: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
