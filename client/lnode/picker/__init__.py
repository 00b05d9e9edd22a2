"""Choose a session of all your hosts: `lnode` without words, on a terminal."""
