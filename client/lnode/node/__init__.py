"""Into a session's compute node."""
