"""The demonstration: samples that travel anew on each run, journeys learned over HTTP, and a command that works."""

import io
import json
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from rich.console import Console
from stack.demo.command import curl_command, next_steps, travel
from stack.demo.display import KINDS, Display, table_of
from stack.demo.journey import Journey, Step
from stack.demo.road import roads_for
from stack.demo.road_display import line_of
from stack.demo.samples import FILE, read_samples
from stack.people.roads import Road
from stack.running import NotRunning, RunningStack
from support.scripted import Answer, scripted

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def a_stack(url: str) -> RunningStack:
    services = {name: f"{url}/{name}" for name in ("intake", "triage", "mediation", "followup")}
    return RunningStack(Path("stack.json"), services, {"dispatch": "d", "ops": "o"})


def test_there_are_forty_samples_of_all_kinds_and_every_kind_has_its_words() -> None:
    samples = read_samples(FILE, now=NOW)
    assert len(samples) == 40
    assert {sample.kind for sample in samples} == set(KINDS)
    assert all(json.loads(line)["sample"] is True for line in FILE.read_text().splitlines())


def test_a_second_run_has_other_numbers_and_other_callers() -> None:
    first, second = read_samples(FILE, now=NOW), read_samples(FILE, now=NOW + timedelta(seconds=1))
    assert not {sample.call_no for sample in first} & {sample.call_no for sample in second}
    phones = [{sample.body.get("caller_phone") for sample in run} - {None} for run in (first, second)]
    assert not phones[0] & phones[1]


def test_only_the_marked_duplicates_share_caller_and_place() -> None:
    samples = read_samples(FILE, now=NOW)
    people = Counter((s.body["caller_phone"], s.body["incident_address"]) for s in samples if "caller_phone" in s.body)
    twice = {who for who, count in people.items() if count == 2}
    assert max(people.values()) == 2
    repeats = [s for s in samples if s.kind == "duplicate"]
    assert {(s.body["caller_phone"], s.body["incident_address"]) for s in repeats} == twice
    times = [datetime.fromisoformat(s.body["reported_at"]) for s in samples]
    assert NOW - timedelta(hours=1) < min(times)
    assert max(times) < NOW


class Services:
    """intake, triage, mediation and followup in one: what each says of a call, by its number's last digits."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.not_dispatched: set[str] = set()
        self.never_watched: set[str] = set()

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        service, *words = path.strip("/").split("/")
        if method == "POST":
            return 202, {"referral_id": body["call_no"], "version": 1}, {}
        number = words[-1].rsplit("-", 1)[1]
        if service == "intake":
            return 200, {"state": self.states.get(number, "referred")}, {}
        if words[1] == "mirrors":
            return 200, {"state": "dispatched", "office_code": "310109010-SFS"}, {}
        return 200, {"events": self._events(service, number), "parked": []}, {}

    def _events(self, service: str, number: str) -> list[dict[str, Any]]:
        facts = {"triage": ["referral_classified", "referral_dispatched"], "followup": ["watch_opened"]}.get(
            service, []
        )
        if number in self.not_dispatched:
            facts = facts[:1]
        if service == "followup" and number in self.never_watched:
            facts = []
        return [{"seq": n, "type": f"cn.liandong.{service}.{fact}.v1"} for n, fact in enumerate(facts, 1)]


async def follow(
    services: Services, *, file: Path = FILE, seconds: float = 30, terminal: bool = False
) -> tuple[list[Journey], str]:
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=terminal)
    with scripted(services) as url:
        journeys = await travel(a_stack(url), console, file=file, seconds=seconds, pace=0)
    return journeys, out.getvalue()


async def test_every_call_is_followed_to_its_own_end() -> None:
    services = Services()
    services.states = {"031": "retained_by_police", "037": "linked", "021": "awaiting_screener"}
    services.not_dispatched = {"040"}
    journeys, printed = await follow(services)
    ends = {journey.sample.call_no[-3:]: journey.end for journey in journeys}
    assert (ends["031"], ends["037"], ends["021"]) == ("retained_by_police", "linked", "awaiting_screener")
    assert ends["040"] == "under_review"
    assert Counter(ends.values())["watched"] == 36
    assert all(journey.office == "310109010-SFS" for journey in journeys if journey.end == "watched")
    assert sum("→ 跟踪 watched [310109010-SFS]" in line for line in printed.splitlines()) == 36


async def test_what_does_not_arrive_in_time_is_left_travelling(tmp_path: Path) -> None:
    services = Services()
    services.never_watched = {"001"}
    file = tmp_path / "calls.jsonl"
    file.write_text("".join(FILE.read_text().splitlines(keepends=True)[:2]))
    journeys, _ = await follow(services, file=file, seconds=4)
    (left,) = [journey for journey in journeys if not journey.end]
    assert left.sample.call_no.endswith("001")
    assert Step.MIRRORED in left.steps


async def test_a_terminal_shows_one_live_table_with_every_call_at_the_end() -> None:
    journeys, printed = await follow(Services(), terminal=True)
    last = printed[printed.rindex("Sample calls") :]
    assert all(f" {journey.sample.call_no[-3:]} " in last for journey in journeys)


def test_a_low_terminal_shows_first_what_travels() -> None:
    journeys = [Journey(sample, posted_at=1.0) for sample in read_samples(FILE, now=NOW)]
    for journey in journeys[:-1]:
        journey.finish("watched")
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=20)
    display = Display(console, journeys)
    shown = display._that_fit()
    assert journeys[-1] in shown
    assert table_of(journeys, shown=shown).row_count == 12


def test_every_road_is_walked_and_the_police_halt_one_and_free_it() -> None:
    journeys = [Journey(sample, end="watched") for sample in read_samples(FILE, now=NOW)]
    walks = roads_for(journeys)
    assert {walking.road for walking in walks} == set(Road)
    halted = next(walking for walking in walks if walking.road is Road.HALTED)
    halted.steps += ["signed", "contacted", "halted", "lifted", "handed_over", "closed"]
    halted.end("agreed")
    assert "暂停后解除 halted, then freed: 签收 → 联系 → 公安叫停 → 公安解除 → 移交 → 结案 = agreed" in line_of(halted)


def test_the_printed_curl_command_posts_a_whole_call(tmp_path: Path) -> None:
    """The shell reads it as it is printed; only curl itself is replaced by something that tells its arguments."""
    stack_file = tmp_path / "stack.json"
    stack_file.write_text(json.dumps({"tokens": {"dispatch": "the-token"}}))
    stack = RunningStack(stack_file, {"intake": "http://127.0.0.1:8101"}, {})
    script = 'curl() { printf "%s\\0" "$@"; }; ' + curl_command(stack)
    words = subprocess.run(["bash", "-ec", script], check=True, capture_output=True).stdout.decode().split("\0")
    assert "http://127.0.0.1:8101/v1/calls" in words
    assert "Authorization: Bearer the-token" in words
    call = json.loads(words[words.index("-d") + 1])
    assert {"source", "call_no", "content", "reported_at"} <= call.keys()
    assert datetime.fromisoformat(call["reported_at"]).tzinfo is not None


def test_the_next_steps_name_the_docs_page_of_every_service() -> None:
    text = next_steps(a_stack("http://127.0.0.1:1"))
    assert all(f"http://127.0.0.1:1/{name}/docs" in text for name in ("intake", "triage", "mediation", "followup"))


def test_a_token_is_chosen_by_the_source_it_is_bound_to() -> None:
    key = "a key for a test, long enough for sha256"
    tokens = {
        name: jwt.encode({"source": source}, key) for name, source in (("dispatch", "hongkou-110"), ("x", "feed"))
    }
    stack = RunningStack(Path("stack.json"), {}, tokens)
    assert stack.token_of_source("feed") == tokens["x"]
    assert stack.token_of_source("hongkou-110") == tokens["dispatch"]
    assert stack.token_of_source("elsewhere") == tokens["dispatch"]


@pytest.mark.parametrize("content", ["", "[]", '{"services": {}}', '{"services": 1, "tokens": {}}'])
def test_a_stack_file_that_is_none_is_said_to_be_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "stack.json"
    file.write_text(content)
    with pytest.raises(NotRunning, match="cannot be read"):
        RunningStack.read(file)
