# shellcheck shell=sh
# What a session shows now, and how many rows above it; then the same screen as list.sh has it, if an agent may be on it and nothing has
# changed there meanwhile.
# values: nonce tmux_path name above signs
# parts: section tmux server scheduler own job_notes in_job pane screens

find_pane '#{session_name}' "$name" ''
seen=$(show_screens "$pane")
section screen
show -S "-$above"
if [ -n "$seen" ] && [ "$(show_screens "$pane")" = "$seen" ]; then
  section screens
  printf '%s\n' "$seen"
fi
section end
