"""Buckets: so much at once, then so much a second; memory does not grow with strangers."""

from hypothesis import given
from hypothesis import strategies as st

from storage.limits import Buckets, Rate


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@given(
    gaps=st.lists(st.integers(min_value=0, max_value=40), max_size=80),
    burst=st.integers(min_value=1, max_value=10),
)
def test_no_window_holds_more_than_the_burst_and_what_flows_in(gaps: list[int], burst: int) -> None:
    clock = Hands()
    buckets, taken = Buckets(Rate(per_second=0.25, burst=burst), clock), []
    for gap in gaps:
        clock.at += gap / 4
        if buckets.take("ana"):
            taken.append(clock.at)

    for first, start in enumerate(taken):
        for count, end in enumerate(taken[first:], 1):
            assert count <= burst + (end - start) * 0.25


def test_what_is_too_much_says_how_long_to_wait_and_does_not_count() -> None:
    clock = Hands()
    buckets = Buckets(Rate(per_second=0.5, burst=2), clock)

    assert [buckets.take("ana") for _ in range(5)] == [True, True, False, False, False]
    assert (buckets.wait("ana"), buckets.wait("ben")) == (2.0, 0.0)
    clock.at = 2.0
    assert buckets.take("ana")


def test_whoever_was_not_heard_of_for_longest_is_forgotten_first() -> None:
    buckets = Buckets(Rate(per_second=1, burst=1), Hands(), most=2)
    for name in ("ana", "ben", "ana", "cleo"):
        buckets.take(name)

    assert not buckets.take("ana")
    assert buckets.take("ben")
