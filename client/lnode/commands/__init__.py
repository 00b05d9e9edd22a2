"""The verbs, one per file, or per folder if it has parts of its own; none imports another."""
