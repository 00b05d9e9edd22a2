# shellcheck shell=sh
# What a session shows now, and how many rows above it.
# Arguments: NONCE  TMUX  NAME  ABOVE
# parts: tmux pane
nonce=$1

find_pane "$2" '#{session_name}' "$3" ''
section screen
show -S "-$4"
section end
