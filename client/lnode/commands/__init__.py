"""One verb per file: plain functions with named arguments that return an exit code."""
