"""Which login node has a session, and the way there."""
