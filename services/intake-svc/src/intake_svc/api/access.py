"""Who may see which call: a system its own source, people the calls of their area."""

from collections.abc import Mapping
from typing import Any

from chassis.auth import Caller, covers
from chassis.problems import Problem

READERS = (
    "source_system",
    "police_officer",
    "screener",
    "dispatcher",
    "bureau_supervisor",
    "city_supervisor",
    "ops",
    "auditor",
    "service",
)
OFFICERS = ("screener", "police_officer")
WAIVERS = ("bureau_supervisor", "city_supervisor")
_EVERYWHERE = frozenset({"ops", "auditor", "service"})


def require_own_source(caller: Caller, source: str) -> None:
    if caller.source != source:
        raise Problem(
            403,
            "other_source",
            "令牌只能用于其绑定的来源系统。",
            "The token is bound to another source.",
            bound_to=caller.source,
        )


def require_sight(caller: Caller, call: Mapping[str, Any]) -> None:
    """A call whose station is not known is the district's: who sees one office only does not see it."""
    if caller.roles & _EVERYWHERE:
        return
    if "source_system" in caller.roles:
        require_own_source(caller, call["source"])
        return
    area = call["scope_path"]
    is_seen = covers(caller.scope_path, area) if area else sees_unplaced(caller)
    if not is_seen:
        raise Problem(403, "out_of_scope", "不在您的管辖范围内。", "Outside your area.")


def sees_unplaced(caller: Caller) -> bool:
    """A call whose station is not known is the district's and the city's."""
    return caller.scope_path.count("/") <= 1


def sees_all(caller: Caller) -> bool:
    return bool(caller.roles & _EVERYWHERE)
