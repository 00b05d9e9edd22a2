"""An attach that never lets go."""
