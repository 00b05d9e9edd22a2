"""What every test gets: default signals, compiled modules, hypothesis without deadlines, and any order of the tests."""

import os
import random
import signal
import sys

import pytest
from hypothesis import settings

from full import FULL

# A busy machine makes any example slow now and then.
settings.register_profile("quick", max_examples=30, deadline=None)
settings.register_profile("full", max_examples=300, deadline=None)
settings.load_profile("full" if FULL else "quick")


def pytest_configure(config: pytest.Config) -> None:
    """Give children default signals: they inherit that a script's `&` ignores INT and QUIT, and nohup HUP.

    And let Python keep what it compiles, as a user's does: the tests start lnode some thousand times.
    """
    config.addinivalue_line("markers", "full: only slow; runs with LNODE_FULL=1")
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            # With a handler, pytest itself goes on; an exec puts the default in its place.
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else lambda *_: None)


_LONGEST = "test_orphaned_jobs.py"  # a file is one worker's: begun late, it would keep all others waiting


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is only slow, and begin with the longest file; shuffle all under LNODE_SHUFFLE=seed."""
    items.sort(key=lambda item: item.path.name != _LONGEST)
    for item in items:
        if item.get_closest_marker("full") and not FULL:
            item.add_marker(pytest.mark.skip(reason="only slow: LNODE_FULL=1 runs it"))
    if seed := os.environ.get("LNODE_SHUFFLE"):
        # All xdist workers must agree on the order.
        items.sort(key=lambda item: random.Random(f"{seed} {item.nodeid}").random())
        items.sort(key=lambda item: random.Random(f"{seed} {item.path.name}").random())
