"""The embedded cluster of `lnode demo`."""
