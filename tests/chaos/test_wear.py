"""What an hour's watch calls growth, and what it does not."""

from __future__ import annotations

import random

from chaos.wear import EVERY_SECONDS, Sample, grown


def watched(*, leak: float = 0.0, outbox_at_the_end: float = 40) -> list[Sample]:
    """Forty minutes of a process of 150 MB that breathes by ten, `leak` in MB a minute."""
    rng, samples = random.Random(7), []
    for n in range(480):
        at = n * EVERY_SECONDS
        memory = 150 + rng.uniform(-5, 5) + leak * at / 60
        waiting = {"outbox": round(40 + (outbox_at_the_end - 40) * n / 480), "parked": 1, "lock_waits": n % 2}
        samples.append(Sample(at, {"followup-worker": memory, "postgres": 800 + at}, waiting))
    return samples


def test_a_process_that_only_breathes_has_not_grown() -> None:
    assert grown(watched(leak=0.9), of=["followup-worker"]) == []


def test_a_leak_of_more_than_a_megabyte_a_minute_is_found() -> None:
    (found,) = grown(watched(leak=1.1), of=["followup-worker"])
    assert found.startswith("followup-worker grows by 1.1")


def test_an_outbox_that_fills_is_found() -> None:
    (found,) = grown(watched(outbox_at_the_end=900), of=["followup-worker"])
    assert found.startswith("outbox grew")
