"""Which partition a key is in: what we find must be what everybody else's client finds."""

import aiokafka.partitioner
from chassis.delivery.murmur import murmur2
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(max_size=100))
def test_our_hash_is_that_of_the_client_library(data: bytes) -> None:
    assert murmur2(data) == aiokafka.partitioner.murmur2(data)


def test_it_is_that_of_the_java_client_too() -> None:
    """Values of the Java client's own test (UtilsTest.testMurmur2), there as signed numbers."""
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {key: murmur2(key) for key in known} == {key: value & 0xFFFFFFFF for key, value in known.items()}
