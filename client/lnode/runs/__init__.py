"""Commands that go on by themselves, and their logs."""
