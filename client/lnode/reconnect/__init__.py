"""When to connect again."""
