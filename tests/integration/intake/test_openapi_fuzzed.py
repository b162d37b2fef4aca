"""Every operation of intake is asked what no honest client would ask; the suite tries a little, `make fuzz` all."""

from pathlib import Path

import pytest
from chassis.fast_lane import FastLane
from fuzz.running import IS_FULL
from fuzz.tried import all_is_answered_as_documented
from intake_svc.api.routes import SUBMIT_PATH
from integration.intake.test_openapi_examples import OPERATIONS, WALKS, Place
from integration.intake.test_openapi_examples import place as place
from support.saying import say_of


@pytest.mark.timeout(1800 if IS_FULL else 120)
async def test_whatever_is_asked_is_answered_as_documented(
    place: Place,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    app = FastLane(place.intake.app, SUBMIT_PATH)
    log_file = tmp_path / "intake.log"
    await all_is_answered_as_documented(place, app, OPERATIONS, WALKS, say=say_of(request), log_file=log_file)
