"""Who may call what at triage, against a table typed by hand from CONTRACTS §6 and DOMAIN §5.3."""

from pathlib import Path

from chassis.access import rights_of
from support.tokens import Issuer
from triage_svc.main import make_api

CLERK, DISTRICT = "office_clerk", "dispatcher bureau_supervisor city_supervisor"
READERS = f"{CLERK} {DISTRICT} ops auditor"
REFERRAL = "/v1/referrals/{referral_id}"
RIGHTS = {
    ("GET", "/v1/decisions/{decision_id}"): READERS,
    ("GET", "/v1/referrals"): READERS,
    ("GET", REFERRAL): READERS,
    ("GET", f"{REFERRAL}/clocks"): READERS,
    ("GET", "/v1/texts/{text_id}"): f"{CLERK} {DISTRICT}",
    ("POST", f"{REFERRAL}/dispatch"): "dispatcher",
    ("POST", f"{REFERRAL}/sign"): CLERK,
    ("POST", f"{REFERRAL}/contact"): CLERK,
    ("POST", f"{REFERRAL}/request-return"): CLERK,
    ("POST", f"{REFERRAL}/return-decision"): DISTRICT,
    ("POST", f"{REFERRAL}/hand-over"): CLERK,
    ("POST", f"{REFERRAL}/no-consent"): CLERK,
    ("POST", f"{REFERRAL}/self-resolved"): CLERK,
    ("POST", f"{REFERRAL}/send-back"): "dispatcher",
    ("POST", f"{REFERRAL}/send-to-other-body"): "dispatcher",
    ("POST", f"{REFERRAL}/grade"): DISTRICT,
}


def test_every_route_beside_the_operators_is_for_exactly_these_roles(tmp_path: Path) -> None:
    rights = rights_of(make_api(Issuer(tmp_path).settings()))
    told = {place: set(roles) for place, roles in rights.items() if not place[1].startswith("/v1/ops")}
    assert told == {place: set(roles.split()) for place, roles in RIGHTS.items()}


def test_no_operator_s_page_is_open_to_the_office_or_the_district(tmp_path: Path) -> None:
    rights = rights_of(make_api(Issuer(tmp_path).settings()))
    for place, roles in rights.items():
        if place[1].startswith("/v1/ops"):
            assert roles, place
            assert not roles & {CLERK, *DISTRICT.split()}, place
