"""python -m mediation_svc api | worker | migrate | openapi
python -m mediation_svc adopt-restore [--without NAME]…    after a restore from a backup
"""

import sys
from collections.abc import Callable
from functools import partial

from chassis.openapi_document import print_openapi
from chassis.settings import SettingsError

from mediation_svc.main import adopt_restore, api, make_api, migrate, worker

COMMANDS: dict[str, Callable[[], int]] = {
    "api": api,
    "worker": worker,
    "migrate": migrate,
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
