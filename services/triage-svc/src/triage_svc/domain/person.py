"""Who asks for something: a staff number, the roles and the area of a verified token."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    staff_id: str
    roles: frozenset[str]
    scope_path: str
