"""Reads the shipped rule files; whatever is wrong with one stops the start-up with the name of the entry."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from chassis.yaml_text import read_yaml

from intake_svc.domain.desk_data import DeskRules, block_rules, clock_rules, decision_rules, source_profiles
from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.identity import LinkingRules
from intake_svc.domain.masking import MaskingRules
from intake_svc.domain.personal_data import linking_rules, masking_rules, place_rules
from intake_svc.domain.place import PlaceRules
from intake_svc.domain.screening import ScreeningRules
from intake_svc.domain.screening_data import screening_rules


@dataclass(frozen=True, slots=True)
class Rules:
    screening: ScreeningRules
    masking: MaskingRules
    places: PlaceRules
    linking: LinkingRules
    desk: DeskRules


def load_rules() -> Rules:
    return Rules(
        screening=load_screening(),
        masking=masking_rules(shipped("masking")),
        places=place_rules(shipped("places")),
        linking=linking_rules(shipped("linking")),
        desk=load_desk(),
    )


def load_desk() -> DeskRules:
    return DeskRules(
        blocks=block_rules(shipped("blocks")),
        decisions=decision_rules(shipped("decisions")),
        sources=source_profiles(shipped("sources")),
        clocks=clock_rules(shipped("clocks")),
    )


def load_screening() -> ScreeningRules:
    return screening_rules(shipped("screening"))


def shipped(name: str) -> dict[str, Any]:
    text = files("intake_svc.rules").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    data = read_yaml(text)
    if not isinstance(data, dict):
        raise RuleDataError(f"{name}.yaml: must be a mapping")
    return data
