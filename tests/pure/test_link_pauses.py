"""When a lost link is opened again: soon if it was well, and ever more rarely if each is a login for nothing."""

import pytest

from lnode.attach.link_pauses import FIRST_S, following


@pytest.mark.parametrize(
    ("before", "facts", "after"),
    [
        (40, {"beat": True}, FIRST_S),
        (5, {}, 10),
        (200, {}, 300),
        (5, {"unheard": True}, 300),
        (5, {"given_up": True, "beat": True}, 30),
        (30, {"given_up": True, "beat": True}, 60),
        (200, {"given_up": True}, 300),
    ],
)
def test_a_pause_follows_from_the_one_before(before: float, facts: dict[str, bool], after: float) -> None:
    known = {"given_up": False, "beat": False, "unheard": False, **facts}
    assert following(before, **known) == after
