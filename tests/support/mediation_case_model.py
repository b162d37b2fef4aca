"""What a case may do, as a plain reading of CONTRACTS §3 and DOMAIN §1.3, §1.5, §8. Shares nothing with the service."""

from __future__ import annotations

from dataclasses import dataclass, field

OPEN_ROAD = ["accepted", "assigned", "informed", "in_mediation", "agreed_written"]  # between acceptance and effect
BEFORE_EFFECT = ["consent_pending", *OPEN_ROAD, "suspended"]
STEPS = {  # command → the states that it may be given in, when nothing else speaks against it
    "consent": BEFORE_EFFECT,
    "accept": ["consent_pending"],
    "assign": ["accepted", "assigned"],
    "inform": ["assigned"],
    "meet": ["informed", "in_mediation"],
    "oral-agreement": ["in_mediation"],
    "written-agreement": ["in_mediation"],
    "sign": ["agreed_written"],
    "seal": ["agreed_written"],
    "withdraw": ["agreed_written"],
    "performed": ["effective", "performing", "breached", "breached_told"],
    "breached": ["effective", "performing", "breached"],
    "resume-performance": ["breached"],
    "remedies-told": ["breached"],
    "hold-invalid": ["effective"],
    "reopen": ["breached", "performed", "breached_told", "terminated", "filed"],
    "terminate": BEFORE_EFFECT,
    "suspend": OPEN_ROAD,
    "resume": ["suspended"],
    "extend": [*OPEN_ROAD, "suspended"],
    "escalate-to-police": [*BEFORE_EFFECT, "effective", "performing", "performed", "breached", "breached_told",
                           "terminated", "filed"],
    "file": ["performed", "breached_told", "terminated"],
}  # fmt: skip
STOPPED_BY_BLOCK = ["accept", "assign", "inform", "meet", "oral-agreement", "written-agreement", "sign", "seal",
                    "resume", "reopen", "file"]  # fmt: skip
STOPPED_BY_REFUSAL = ["accept", "assign", "inform", "meet", "oral-agreement", "written-agreement", "sign", "seal"]
NEXT = {"accept": "accepted", "assign": "assigned", "inform": "informed", "meet": "in_mediation",
        "written-agreement": "agreed_written", "withdraw": "in_mediation", "resume-performance": "performing",
        "remedies-told": "breached_told", "hold-invalid": "consent_pending", "reopen": "consent_pending",
        "terminate": "terminated", "suspend": "suspended", "file": "filed"}  # fmt: skip


@dataclass
class Model:
    parties: list[str]
    state: str = "consent_pending"
    came_from: str = ""
    wills: dict[str, str] = field(default_factory=dict)
    signed: set[str] = field(default_factory=set)
    owed: dict[str, str] = field(default_factory=dict)  # obligation → open, breached, performed
    drafted: int = 0
    blocks: set[int] = field(default_factory=set)
    grade: str = "yellow"
    is_closed: bool = False
    was_accepted: bool = False

    def refuses(self) -> bool:
        return any(will in ("refused", "withdrawn") for will in self.wills.values())

    def may(self, command: str) -> bool:
        """Whether the table and what holds for every command let it through."""
        if self.state not in STEPS[command]:
            return False
        if command in STOPPED_BY_BLOCK and self.blocks:
            return False
        return not (command in STOPPED_BY_REFUSAL and self.refuses())

    def may_accept(self) -> bool:
        return self.may("accept") and "given" in self.wills.values()

    def may_agree_orally(self, *, on_spot: bool, wants_document: bool, later: bool) -> bool:
        calm = self.grade in ("yellow", "blue")
        return self.may("oral-agreement") and calm and not wants_document and (on_spot or not later)

    def may_seal(self) -> bool:
        return self.may("seal") and self.signed == {*self.parties, "mediator"}

    def may_reopen(self, command: str) -> bool:
        return self.may(command) and not self.is_closed

    def may_file(self) -> bool:
        return self.may("file") and self.is_closed and self.was_accepted

    def go(self, command: str) -> None:
        if command == "suspend":
            self.came_from = self.state
        if command == "withdraw":
            self.signed = set()
        self.state = self.came_from if command == "resume" else NEXT[command]
        if command in ("hold-invalid", "reopen"):
            self.begin_again()
        if command in ("accept",):
            self.was_accepted = True
        if command == "terminate":
            self.owed, self.signed = {}, set()

    def begin_again(self) -> None:
        self.state, self.wills, self.signed, self.owed = "consent_pending", {}, set(), {}

    def take_effect(self, obligations: dict[str, str]) -> None:
        self.owed = obligations
        self.state = "effective" if "open" in obligations.values() else "performed"

    def perform(self, obligation: str) -> None:
        self.owed[obligation] = "performed"
        standing = set(self.owed.values())
        if self.state == "breached_told" or (self.state == "breached" and "breached" in standing):
            return
        self.state = "performed" if standing == {"performed"} else "performing"

    def breach(self, obligation: str) -> None:
        self.owed[obligation] = "breached"
        self.state = "breached"

    def urge(self) -> None:
        self.owed = {one: "open" if state == "breached" else state for one, state in self.owed.items()}
        self.state = "performing"
