"""python -m mediation_svc api | worker | migrate"""

import sys

from chassis.settings import SettingsError

from mediation_svc.main import api, migrate, worker

COMMANDS = {"api": api, "worker": worker, "migrate": migrate}


def main(words: list[str]) -> int:
    if len(words) != 1 or words[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[words[0]]()
    except SettingsError as error:
        print(f"配置有误 settings: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
