"""How fields are named to whoever sent them: whole people have stood in the names of unknown ones."""

from collections.abc import Iterable, Sequence

from chassis.malformed import is_plain_name

from intake_svc.api.models import CallIn

NOT_SENT = "?"
_MOST = 100


def told_name(name: str, sent: Sequence[str]) -> str:
    """The name where it can be no more than one, else its position in the body, such as `#7`: the sender knows it."""
    if is_plain_name(name):
        return name
    return f"#{sent.index(name) + 1}" if name in sent else NOT_SENT


def told_names(names: Iterable[str], sent: Sequence[str]) -> list[str]:
    """Published ones first, so that a body with thousands of others hides none of them; once each, and not endless."""
    ordered = sorted(names, key=lambda name: (name not in CallIn.model_fields, name))[:_MOST]
    return list(dict.fromkeys(told_name(name, sent) for name in ordered))
