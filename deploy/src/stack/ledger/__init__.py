"""`make ledger`: whether every accepted call is accounted for, over the services' own numbers."""

from stack.ledger.command import main, show_ledger

__all__ = ["main", "show_ledger"]
