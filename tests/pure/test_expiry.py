"""When an end is announced, and how often the scheduler is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.attach import expiry
from lnode.attach.expiry import WARN_AT_MIN, due, is_void

HOUR, DAY = 3600, 86400


@pytest.mark.parametrize(
    ("left_s", "warned", "expected"),
    [
        (3 * DAY, "", None),
        (HOUR + 1, "", None),
        (HOUR, "", 60),
        (HOUR, "1 60", None),
        (HOUR, "2 60", 60),  # of another job
        (16 * 60, "1 60", None),
        (15 * 60, "1 60", 15),
        (15 * 60, "", 15),  # the first look; nothing of 60 minutes
        (12 * 60, "1 15", None),
        (299, "1 15", 5),
        (299, "1 5", None),
        (40, "", 5),
        (0, "1 5", None),
        (2 * HOUR, "1 5", None),  # extended
        (59 * 60, "1 5", 60),  # and again
        (14 * 60, "1 5", 15),
        (14 * 60, "1 0", 15),  # it was thought to have ended
        (HOUR, "nonsense", 60),
        (HOUR, "1 x", 60),
    ],
)
def test_due(left_s: int, warned: str, expected: int | None) -> None:
    assert due(left_s, "1", warned) == expected


def warnings(lefts: list[int]) -> list[tuple[int, int]]:
    """(seconds left, threshold) of each warning when asked with these, in turn."""
    warned, given_ = "", []
    for left_s in lefts:
        minutes = due(left_s, "1", warned)
        if is_void(left_s, "1", warned):
            warned = ""
        if minutes is not None:
            warned = f"1 {minutes}"
            given_.append((left_s, minutes))
    return given_


@given(st.integers(0, 3 * DAY), st.lists(st.integers(0, 200), max_size=400))
def test_each_warning_is_given_once_on_the_way_down(first: int, steps: list[int]) -> None:
    lefts = [first]
    for step in steps:
        lefts.append(max(0, lefts[-1] - step))
    told = [minutes for _, minutes in warnings(lefts)]
    assert told == sorted(set(told), reverse=True)
    assert set(told) <= set(WARN_AT_MIN)
    for minutes in WARN_AT_MIN:  # and every one that a look fell into
        lower = max((other for other in WARN_AT_MIN if other < minutes), default=0)
        if any(60 * lower < left_s <= 60 * minutes for left_s in lefts):
            assert minutes in told


@given(st.integers(0, HOUR), st.integers(2 * HOUR, 3 * DAY))
def test_who_gets_more_time_is_warned_again(left_s: int, more_s: int) -> None:
    before = warnings([left_s])
    after = warnings([left_s, *range(left_s + more_s, -1, -30)])
    assert [minutes for _, minutes in after[len(before) :]] == list(WARN_AT_MIN)


@pytest.mark.parametrize(("left_s", "minutes"), [(3600, 60), (3590, 60), (299, 5), (61, 2), (1, 1)])
def test_minutes_left(left_s: int, minutes: int) -> None:
    assert expiry.minutes_left(left_s) == minutes


def test_news_that_can_wait_are_asked_for_less_often_while_nobody_types() -> None:
    assert expiry.pause_s(None) == expiry.pause_s(None, quiet_s=60) == 120
    assert expiry.pause_s(None, quiet_s=3600) == 600
