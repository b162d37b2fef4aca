"""The class path of Apache Kafka: pinned jars, fetched once, each checked against its SHA-256 before every start."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().parents[2] / "kafka-jars.txt"
FETCHERS = 8
Say = Callable[[str], None]


class JarsUnavailableError(RuntimeError):
    pass


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.group}.{self.artifact}-{self.version}.jar"

    def is_whole(self, file: Path) -> bool:
        if not file.is_file():
            return False
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == self.sha256


def listed(file: Path = LIST) -> list[Jar]:
    lines = (line.strip() for line in file.read_text().splitlines())
    return [jar_of(line) for line in lines if line and not line.startswith("#")]


def jar_of(line: str) -> Jar:
    coordinate, digest = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, digest.removeprefix("sha256:"))


def kafka_version(jars: Sequence[Jar]) -> str:
    return next(jar.version for jar in jars if jar.artifact.startswith("kafka_"))


def class_path(cache: Path, *, say: Say = print, jars: Sequence[Jar] | None = None) -> list[Path]:
    """All jars, whole; what is missing or damaged is fetched again. Raises JarsUnavailableError without a network."""
    wanted = listed() if jars is None else jars
    folder = cache / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / ".lock"):
        lacking = [jar for jar in wanted if not jar.is_whole(folder / jar.file_name)]
        if lacking:
            fetch_all(lacking, folder, say=say)
    return [folder / jar.file_name for jar in wanted]


def are_whole(cache: Path) -> bool:
    return all(jar.is_whole(cache / "kafka" / jar.file_name) for jar in listed())


def fetch_all(lacking: Sequence[Jar], folder: Path, *, say: Say) -> None:
    for interrupted in folder.glob(".fetch-*"):
        shutil.rmtree(interrupted, ignore_errors=True)
    say(f"Kafka: fetching {len(lacking)} jars into {folder} (once)")
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as scratch,
        ThreadPoolExecutor(FETCHERS) as threads,
    ):
        pending = {threads.submit(fetch, jar, Path(scratch), folder): jar for jar in lacking}
        failed: list[str] = []
        for count, done in enumerate(as_completed(pending), 1):
            jar = pending[done]
            if error := done.exception():
                failed.append(f"{jar.group}:{jar.artifact}:{jar.version}: {error}")
            say(f"Kafka: jar {count}/{len(lacking)} {jar.artifact} {jar.version}{' FAILED' if error else ''}")
    if failed:
        raise JarsUnavailableError(
            f"{len(failed)} of Kafka's jars could not be fetched (the first start needs the network; "
            f"later ones do not). First reason: {failed[0][:300]}"
        )


def fetch(jar: Jar, scratch: Path, folder: Path) -> None:
    """One coordinate at a time, without its dependencies: jgo's own resolving of those mixes versions."""
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch, timeout=60)
    fetched = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    if fetched is None or not jar.is_whole(Path(fetched)):
        raise JarsUnavailableError("what was fetched has another SHA-256 than the one pinned")
    shutil.move(fetched, folder / jar.file_name)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Two stacks of one clone (a test run beside `make up`) share the cache."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
