"""Every operation of triage is asked what no honest client would ask; the suite tries a little, `make fuzz` all."""

from pathlib import Path

import pytest
from fuzz.running import IS_FULL
from fuzz.tried import all_is_answered_as_documented, app_of
from integration.triage.test_openapi_examples import OPERATIONS, WALKS, Place
from integration.triage.test_openapi_examples import place as place
from support.saying import say_of


@pytest.mark.timeout(1800 if IS_FULL else 120)
async def test_whatever_is_asked_is_answered_as_documented(
    place: Place,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    app = app_of(place)
    log_file = tmp_path / "triage.log"
    await all_is_answered_as_documented(place, app, OPERATIONS, WALKS, say=say_of(request), log_file=log_file)
