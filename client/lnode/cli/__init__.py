"""Typed words in, one verb done, an exit code out."""
