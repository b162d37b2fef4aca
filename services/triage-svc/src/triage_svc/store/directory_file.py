"""A directory file to domain values. A file with a fault is not taken at all; each fault names its row and the cure."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from chassis.yaml_text import read_yaml

from triage_svc.domain.directory import Area, Directory, Kind, Organisation, Period, Relation, RelationKind
from triage_svc.domain.directory_faults import find_faults
from triage_svc.domain.errors import DirectoryRefused

Row = TypeVar("Row")
AREA_CODE = re.compile(r"[0-9]{6}(?:[0-9]{3}){0,2}")


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """`fingerprint` tells two files apart even where both claim the same version."""

    dataset: str
    version: str
    fingerprint: str
    is_sample: bool
    areas: tuple[Area, ...]
    organisations: tuple[Organisation, ...]
    relations: tuple[Relation, ...]

    def directory(self) -> Directory:
        """By this file alone; raises DirectoryRefused where its rows point outside it or clash."""
        if faults := find_faults(self.areas, self.organisations, self.relations):
            raise DirectoryRefused(faults)
        return Directory.of(self.label, self.organisations, self.relations, self.areas)

    @property
    def label(self) -> str:
        return f"{self.dataset}:{self.version}+{self.fingerprint[:8]}"


def read_directory_file(path: Path) -> DirectoryFile:
    """Raises DirectoryRefused with every fault of form. What rows point at is asked when the file is used."""
    try:
        content = path.read_bytes()
        document = read_yaml(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DirectoryRefused(
            [f"{path.name}: 读不出，请检查路径和 YAML 格式 · cannot be read, check path and YAML: {error}"]
        ) from None
    if not isinstance(document, dict):
        raise DirectoryRefused([f"{path.name}: 应含 areas、organisations、relations 三节 · needs these three sections"])
    faults: list[str] = []
    found = DirectoryFile(
        str(document.get("dataset") or path.stem),
        str(document.get("version", "unversioned")),
        hashlib.sha256(content).hexdigest(),
        bool(document.get("sample", False)),
        tuple(_rows(document, "areas", _area, faults)),
        tuple(_rows(document, "organisations", _organisation, faults)),
        tuple(_rows(document, "relations", _relation, faults)),
    )
    if faults:
        raise DirectoryRefused(faults)
    return found


def _rows(
    document: Mapping[str, Any], section: str, build: Callable[[Mapping[str, Any]], Row], faults: list[str]
) -> Iterator[Row]:
    for number, row in enumerate(document.get(section) or (), start=1):
        try:
            yield build(row)
        except KeyError as error:
            faults.append(f"{section} #{number} {row}: 缺少 {error}，请补上 · {error} is missing, add it")
        except (TypeError, ValueError, AttributeError) as error:
            faults.append(f"{section} #{number} {row}: {error}")


def _area(row: Mapping[str, Any]) -> Area:
    return Area(_area_code(row["code"]), _text(row["name"]), tuple(map(_text, row.get("aliases", ()))))


def _organisation(row: Mapping[str, Any]) -> Organisation:
    return Organisation(
        _text(row["code"]),
        _one_of(Kind, row["kind"]),
        _text(row["name"]),
        _area_code(row["area"]),
        _period(row),
        tuple(map(_text, row.get("sources", ()))),
    )


def _relation(row: Mapping[str, Any]) -> Relation:
    return Relation(
        _one_of(RelationKind, row["kind"]),
        _text(row["from"]),
        _text(row["to"]),
        _period(row),
        frozenset(map(_text, row.get("classes", ()))),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} 应为文字，代码请加引号 · must be text, put quotes round a code")
    return value.strip()


def _area_code(value: Any) -> str:
    if not AREA_CODE.fullmatch(code := _text(value)):
        raise ValueError(f"{code} 不是区划代码，应为 6、9 或 12 位数字 · not an area code: 6, 9 or 12 digits")
    return code


Word = TypeVar("Word", Kind, RelationKind)


def _one_of(words: type[Word], value: Any) -> Word:
    known = [str(word) for word in words]
    if value not in known:
        raise ValueError(f"{value!r} 未知，可用 · unknown, use one of: {', '.join(known)}")
    return words(value)


def _period(row: Mapping[str, Any]) -> Period:
    first, last = row["valid_from"], row.get("valid_to")
    for day in (first, last):
        if day is not None and type(day) is not date:
            raise ValueError(f"{day!r} 不是日期，应写 YYYY-MM-DD · not a date, write YYYY-MM-DD")
    if last is not None and last <= first:
        raise ValueError(f"valid_to {last} 应晚于 valid_from {first} · must be later than valid_from")
    return Period(first, last)
