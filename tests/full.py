"""LNODE_FULL=1, as the weekly workflow has it, runs what is only slow and goes the whole distance."""

import os
from functools import partial

import pytest

FULL = os.environ.get("LNODE_FULL") == "1"
slow = partial(pytest.param, marks=pytest.mark.full)
"""One more value of a test's parameter, for LNODE_FULL=1 only."""
