"""Prints what the last `make fuzz` tried and saw, from `.local/fuzz/report.json`, and what it kept."""

from __future__ import annotations

import json
from pathlib import Path

FOUND = Path(__file__).resolve().parents[2] / ".local/fuzz"


def main() -> None:
    file = FOUND / "report.json"
    for part, figures in (json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}).items():
        print(f"\n{part}")
        for name, value in figures.items():
            shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
            print(f"  {name:<20} {shown}")
    kept = sorted((FOUND / "failed").glob("*.json"))
    print(f"\n{len(kept)} failing inputs kept" + (f" in {FOUND.name}/failed: {kept[0].name} …" if kept else ""))


if __name__ == "__main__":
    main()
