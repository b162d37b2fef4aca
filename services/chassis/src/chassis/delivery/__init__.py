"""Delivery: exactly once in effect, in causal order, and repaired. See the architecture page for the whole picture.

A service gives `Contracts`, `Handlers` and its `Work`; it begins commands with `Units.begin` and runs `Delivery` in its
worker. Nothing here knows a word of the business.
"""

from chassis.delivery.contracts import Contracts, EventModel, Handlers, Topic
from chassis.delivery.ops import ops_router
from chassis.delivery.peers import Head, Peers
from chassis.delivery.projecting import Projection, ProjectionWork
from chassis.delivery.rows import Rows
from chassis.delivery.runtime import Delivery
from chassis.delivery.statements import Statements
from chassis.delivery.states import StateTransfer
from chassis.delivery.units import Units
from chassis.delivery.work import Work

__all__ = [
    "Contracts",
    "Delivery",
    "EventModel",
    "Handlers",
    "Head",
    "Peers",
    "Projection",
    "ProjectionWork",
    "Rows",
    "StateTransfer",
    "Statements",
    "Topic",
    "Units",
    "Work",
    "ops_router",
]
