"""`--rescue`: bring a process without protection into a session."""
