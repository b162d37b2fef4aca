"""Rule data of the desk: what cannot be used stops the start and names the entry."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from intake_svc.domain.desk_data import block_rules, clock_rules, decision_rules
from intake_svc.domain.errors import RuleDataError
from intake_svc.rules.loading import shipped


def changed(name: str, path: str, value: Any) -> dict[str, Any]:
    """The shipped file with one entry put in, or taken out when the value is None."""
    data = deepcopy(shipped(name))
    *way, last = path.split(".")
    place = data
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("version", None, "blocks.version"),
        ("extra", 1, "extra"),
        ("kinds.X_DV", None, "X_DV"),
        ("kinds.X_RETAINED", None, "X_RETAINED"),
        ("kinds.X_DV.police_only", "yes", "X_DV.police_only"),
        ("kinds.X_DV.basis", None, "X_DV.basis"),
        ("kinds.X_DV.colour", "red", "colour"),
        ("kinds.domestic", {}, "domestic"),
    ],
)
def test_blocks(path: str, value: Any, named: str) -> None:
    with pytest.raises(RuleDataError, match=named):
        block_rules(changed("blocks", path, value))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("reasons.refer", {}, "reasons.refer"),
        ("reasons.lift", None, "lift"),
        ("reasons.dance", {}, "dance"),
        ("reasons.refer.Bad Code", {"zh": "一", "en": "one"}, "Bad Code"),
        ("reasons.refer.civil_dispute.en", None, "civil_dispute.en"),
        ("bodies", None, "bodies"),
    ],
)
def test_decisions(path: str, value: Any, named: str) -> None:
    with pytest.raises(RuleDataError, match=named):
        decision_rules(changed("decisions", path, value))


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("clocks.screen", None, "screen"),
        ("clocks.screen", "ten minutes", "screen"),
        ("clocks.screen", "3s", "screen"),
        ("clocks.lunch", "1wd", "lunch"),
    ],
)
def test_clocks(path: str, value: Any, named: str) -> None:
    with pytest.raises(RuleDataError, match=named):
        clock_rules(changed("clocks", path, value))
