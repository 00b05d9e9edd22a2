"""`--ls`: the sessions and runs of one host or of all."""
