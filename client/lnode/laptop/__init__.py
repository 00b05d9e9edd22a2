"""This computer: files, screen, settings."""
