"""python -m intake_svc api | worker | migrate | screen"""

import sys

from chassis.settings import SettingsError

from intake_svc.domain.errors import RuleDataError
from intake_svc.main import api, migrate, worker
from intake_svc.screen_cli import screen

COMMANDS = {"api": api, "worker": worker, "migrate": migrate, "screen": screen}


def main(words: list[str]) -> int:
    if len(words) != 1 or words[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[words[0]]()
    except (SettingsError, RuleDataError) as error:
        print(f"配置有误 settings: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
