"""Pure: the answers of tmux and ps, and which job belongs to which session."""
