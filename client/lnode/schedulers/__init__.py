"""Pure: one scheduler per file."""
