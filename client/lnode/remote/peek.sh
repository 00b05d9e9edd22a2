# shellcheck shell=sh
# What a session shows now, and how many rows above it.
# values: nonce tmux_path name above
# parts: section tmux server scheduler own job_notes in_job pane

find_pane '#{session_name}' "$name" ''
section screen
show -S "-$above"
section end
