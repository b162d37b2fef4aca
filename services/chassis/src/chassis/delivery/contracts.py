"""What the runtime must be told of the events it carries: it knows no event by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self
from uuid import UUID


class EventModel(Protocol):
    """One event type. `named_referrals` lists the streams it touches besides its subject's.

    An URGENT one takes effect on arrival, before its turn (DELIVERY §4); its writer marks it.
    """

    TYPE: ClassVar[str]
    URGENT: ClassVar[bool]

    @classmethod
    def parse(cls, body: bytes) -> Self: ...

    @classmethod
    def example(cls) -> Self: ...

    def named_referrals(self) -> tuple[UUID, ...]: ...

    def model_dump_json(self) -> str: ...


class Topic(Protocol):
    """A topic as the deployment's one list names it; `retention_ms` None keeps for good."""

    @property
    def name(self) -> str: ...
    @property
    def partitions(self) -> int: ...
    @property
    def cleanup(self) -> str: ...
    @property
    def retention_ms(self) -> int | None: ...


def producer_of(event_type: str) -> str:
    return event_type.split(".")[2]


Handlers = Mapping[type[Any], Callable[[Any, Any], None]]


@dataclass(frozen=True)
class Contracts:
    """One service's part in the exchange.

    `topic` is its own stream topic, `producers` maps every topic it consumes to the service that writes it,
    in the order in which causes usually precede effects; `models` are all event types known, by type;
    `topics` are those the service writes or reads, to be created where missing.
    """

    service: str
    topic: str
    producers: Mapping[str, str]
    models: Mapping[str, type[EventModel]]
    topics: tuple[Topic, ...]

    @cached_property
    def consumed(self) -> frozenset[str]:
        return frozenset(self.producers.values())

    @cached_property
    def read(self) -> tuple[type[EventModel], ...]:
        """The event types that this service reads, whether it acts on them or not."""
        return tuple(model for name, model in self.models.items() if producer_of(name) in self.consumed)

    @cached_property
    def topic_of(self) -> Mapping[str, str]:
        return {producer: topic for topic, producer in self.producers.items()}

    def topics_without(self, types: Iterable[str]) -> frozenset[str]:
        """Those consumed of whose producers no event is of these types."""
        producers = {producer_of(name) for name in types}
        return frozenset(topic for topic, producer in self.producers.items() if producer not in producers)

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(name.rpartition(".")[0] for name in self.models)

    def is_unknown_version(self, event_type: str) -> bool:
        """A type that we know in another version only: it waits for the deploy that knows it."""
        return event_type not in self.models and event_type.rpartition(".")[0] in self._stems
