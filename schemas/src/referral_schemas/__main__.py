"""python -m referral_schemas generate | check | release."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from referral_schemas.asyncapi import asyncapi_text
from referral_schemas.publishing import PUBLISHED, difference, drift, generate, incompatibilities

FOLDER = Path(__file__).parents[2] / "json"
RELEASED = "released"


def asyncapi_file(folder: Path) -> Path:
    """Stands beside the folder of the JSON Schemas."""
    return folder.parent / "asyncapi.yaml"


def write(folder: Path) -> None:
    generate(PUBLISHED, folder)
    asyncapi_file(folder).write_text(asyncapi_text(), encoding="utf-8")


def check(folder: Path) -> int:
    file = asyncapi_file(folder)
    committed = file.read_text(encoding="utf-8") if file.exists() else ""
    differing = [*drift(PUBLISHED, folder), *difference(file.name, committed, asyncapi_text())]
    broken = list(incompatibilities(PUBLISHED, folder / RELEASED))
    for diff in differing:
        print(diff)
    if differing:
        print("契约文件与模型不一致，请运行 make contracts · the files differ from the models: run make contracts")
    for breach in broken:
        print(breach)
    if broken:
        print("不兼容的修改须另立新版本 · an incompatible change needs a new version of the type, beside the old one")
    return 1 if differing or broken else 0


def release(folder: Path) -> int:
    """Freezes the present schemas; refuses what `check` would refuse."""
    if check(folder):
        return 1
    generate(PUBLISHED, folder / RELEASED)
    return 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m referral_schemas", description=__doc__)
    parser.add_argument("command", choices=("generate", "check", "release"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the JSON Schemas stand")
    options = parser.parse_args(arguments)
    if options.command == "generate":
        write(options.folder)
        return 0
    return check(options.folder) if options.command == "check" else release(options.folder)


if __name__ == "__main__":
    sys.exit(main())
