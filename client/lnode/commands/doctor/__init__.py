"""`--doctor`: every layer between this laptop and a node, each finding with its fix."""
