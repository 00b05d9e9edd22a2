"""Pure: the seconds until a lost link is opened again."""

FIRST_S = 5.0
_LONGEST_S = 300.0
_GIVEN_UP_S = 30.0  # the first if the link was late beside a terminal that answered


def following(before_s: float, *, given_up: bool, beat: bool, unheard: bool) -> float:
    """Return the pause after `before_s`.

    `given_up`: the link was late beside a terminal that answered. `beat`: it was heard. `unheard`: it has opened and
    was not heard, so it has logged in for nothing.
    """
    if given_up:
        return min(max(_GIVEN_UP_S, 2 * before_s), _LONGEST_S)
    if beat:
        return FIRST_S
    return _LONGEST_S if unheard else min(2 * before_s, _LONGEST_S)
