"""Everything the machine holds of one dispute when it opens. In memory, from rule data and the directory alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from triage_svc.domain.blocks import Block, blocks_in
from triage_svc.domain.classification import Classification
from triage_svc.domain.directory import Directory
from triage_svc.domain.grading import Grading
from triage_svc.domain.routing import Place, Routing
from triage_svc.rules.loading import Rulebook


@dataclass(frozen=True, slots=True)
class Judgement:
    classification: Classification
    grading: Grading
    blocks: tuple[Block, ...]

    @property
    def needs_review(self) -> bool:
        """An unsure category or a grave grade; what is blocked stops altogether."""
        return self.classification.needs_review or self.grading.needs_review

    @property
    def decision(self) -> str:
        if self.blocks:
            return "stop"
        return "review" if self.needs_review else "auto"


def judge(text: str, rules: Rulebook, *, on: date) -> Judgement:
    reading = rules.vocabulary.read(text)
    classification = rules.classifier.classify(reading, on=on)
    return Judgement(
        classification, rules.grades.grade(reading, classification.category), blocks_in(reading, rules.blocks)
    )


def find_office(place: Place, category: str, rules: Rulebook, directory: Directory, *, on: date) -> Routing:
    return rules.routing.route(place, category, directory, on=on)


def judged_by(rules: Rulebook) -> Mapping[str, str]:
    return {name: rules.versions[name] for name in ("categories", "grades", "blocks")}


def routed_by(rules: Rulebook, directory: Directory) -> Mapping[str, str]:
    return {"routing": rules.versions["routing"], "directory": directory.version}
