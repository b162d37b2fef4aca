"""Station, area, name: which office answers, and when nobody may be guessed."""

from dataclasses import replace
from datetime import date

import pytest
from triage_svc.cli import sample_directory
from triage_svc.domain.directory import Area, Directory, Kind, Organisation, Period, Relation, RelationKind
from triage_svc.domain.routing import Place, Routing
from triage_svc.rules.loading import load_rulebook
from triage_svc.store.directory_file import read_directory_file

RULES = load_rulebook()
TODAY = date(2026, 11, 1)
FILE = read_directory_file(sample_directory())
SAMPLE = FILE.directory()


def route(place: Place, category: str = "neighbour", directory: Directory = SAMPLE, *, on: date = TODAY) -> Routing:
    return RULES.routing.route(place, category, directory, on=on)


def office_code(routing: Routing) -> str | None:
    return routing.office.code if routing.office else None


def test_the_station_s_partner_answers_first() -> None:
    routing = route(Place(station_code="310109010-PCS1", area_code="310109011", words="广中路街道"))
    assert (routing.outcome, office_code(routing)) == ("assigned", "310109010-SFS")
    assert [one.code for one in routing.candidates] == ["310109010-SFS", "310109011-SFS"]
    assert routing.candidates[0].reason == "station_pairing"


def test_two_stations_of_one_street_share_its_office() -> None:
    for station in ("310109018-PCS1", "310109018-PCS2"):
        assert office_code(route(Place(station_code=station))) == "310109018-SFS"


def test_an_unknown_station_leaves_it_to_the_area() -> None:
    routing = route(Place(station_code="310999-PCS9", area_code="310109016"))
    assert (office_code(routing), routing.reason) == ("310109016-SFS", "area_code")


def test_a_village_belongs_to_its_sub_district() -> None:
    assert office_code(route(Place(area_code="310109016007"))) == "310109016-SFS"


def test_a_district_alone_has_no_office() -> None:
    assert route(Place(area_code="310109")).outcome == "none"


def test_the_street_s_name_stands_above_a_road_that_is_called_alike() -> None:
    routing = route(Place(words="虹口区曲阳路街道欧阳路12弄"))
    assert (routing.outcome, office_code(routing)) == ("assigned", "310109010-SFS")


def test_a_road_alone_is_enough_when_only_one_office_knows_it() -> None:
    routing = route(Place(words="上海市虹口区东长治路88弄"))
    assert (office_code(routing), routing.candidates[0].reason) == ("310109018-SFS", "alias")


def test_two_offices_level_are_left_to_a_person_with_both_named() -> None:
    routing = route(Place(words="场中路与嘉兴路口"))
    assert (routing.outcome, routing.office) == ("review", None)
    assert {one.code for one in routing.candidates} == {"310109019-SFS", "310109014-SFS"}


def test_possible_areas_are_candidates_and_never_a_guess() -> None:
    routing = route(Place(possible_area_codes=("310109009",)))
    assert (routing.outcome, routing.reason) == ("review", "weak_evidence")
    assert [one.code for one in routing.candidates] == ["310109009-SFS"]


def test_an_unknown_place_has_no_office() -> None:
    routing = route(Place(station_code="999", area_code="110105001", words="北京市朝阳区"))
    assert (routing.outcome, routing.candidates) == ("none", ())


@pytest.mark.parametrize(("category", "second"), [("medical", "310109-YTW"), ("neighbour", "310109010-PMC")])
def test_the_second_stage_follows_the_category(category: str, second: str) -> None:
    routing = route(Place(station_code="310109010-PCS1"), category)
    assert routing.second_stage is not None
    assert routing.second_stage.code == second


def two_offices(*, until: date | None) -> Directory:
    always = Period(date(2018, 1, 1))
    offices = [Organisation(code, Kind.JUDICIAL_OFFICE, code, "310109010", always) for code in ("OLD", "NEW")]
    station = Organisation("S", Kind.POLICE_STATION, "S", "310109010", always)
    old = Relation(RelationKind.PAIRED_WITH, "S", "OLD", Period(date(2018, 1, 1), until))
    new = Relation(RelationKind.PAIRED_WITH, "NEW", "S", Period(date(2026, 6, 1)))
    return Directory.of("t", [*offices, station], [old, new], [Area("310109010", "曲阳路街道")])


@pytest.mark.parametrize(("on", "office"), [(date(2026, 5, 31), "OLD"), (date(2026, 6, 1), "NEW")])
def test_a_pairing_ends_on_its_day_and_is_read_from_either_side(on: date, office: str) -> None:
    assert office_code(route(Place(station_code="S"), directory=two_offices(until=date(2026, 6, 1)), on=on)) == office


def test_two_partners_of_one_station_are_told_apart_by_the_area_or_by_a_person() -> None:
    directory = two_offices(until=None)
    assert route(Place(station_code="S"), directory=directory).outcome == "review"
    covering = replace(FILE, relations=(Relation(RelationKind.COVERS, "OLD", "310109010", Period(date(2018, 1, 1))),))
    both = Directory.of(
        "t",
        directory.organisations.values(),
        [*covering.relations, *(relation for group in directory._pairs.values() for relation in group)],
        directory.areas,
    )
    assert office_code(route(Place(station_code="S", area_code="310109010"), directory=both)) == "OLD"


def test_every_station_of_the_sample_leads_to_the_office_of_its_street() -> None:
    stations = [one for one in FILE.organisations if one.kind is Kind.POLICE_STATION]
    assert len(stations) == 9
    for station in stations:
        assert office_code(route(Place(station_code=station.code))) == f"{station.area_code}-SFS"


def test_the_command_centre_answers_for_the_calls_it_sends_and_an_unclaimed_source_for_itself() -> None:
    assert SAMPLE.unit_that_sent("hongkou-110") == "310109-ZHZX"
    assert SAMPLE.unit_that_sent("elsewhere") == "elsewhere"
