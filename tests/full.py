"""LNODE_FULL=1, as the weekly workflow has it, runs what is only slow and goes the whole distance."""

import os

FULL = os.environ.get("LNODE_FULL") == "1"
