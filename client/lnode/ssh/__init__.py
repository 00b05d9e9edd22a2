"""Everything that starts an ssh or reads its words."""
