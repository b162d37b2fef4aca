"""Numbers of files and agreements (DOMAIN §2): their shape and the short names in them are data."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileNumber:
    """`number` runs without a gap through the `year` of one committee."""

    committee_code: str
    year: int
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class NumberRule:
    """A committee without a short name shows its code: long, but nobody else's."""

    file_pattern: str
    agreement_pattern: str
    districts: Mapping[str, str]
    committees: Mapping[str, str]

    def file(self, committee_code: str, *, year: int, number: int) -> FileNumber:
        text = self.file_pattern.format(year=year, number=number, **self._names(committee_code))
        return FileNumber(committee_code, year, number, text)

    def agreement_no(self, file: FileNumber, *, nth: int) -> str:
        """The second text in a file gets a number of its own too: an agreement is never edited."""
        part = "" if nth == 1 else f"-{nth}"
        return self.agreement_pattern.format(
            year=file.year, number=file.number, part=part, **self._names(file.committee_code)
        )

    def _names(self, committee_code: str) -> dict[str, str]:
        return {
            "district": self.districts.get(committee_code[:6], ""),
            "street": self.committees.get(committee_code, committee_code),
        }
