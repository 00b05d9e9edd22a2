# shellcheck shell=sh
# The panes of tmux, and the screens on which an agent may be: what an attach asks between two questions to the scheduler.
# values: nonce panes_format tmux_path signs
# parts: section tmux server screens

section host
uname -n
date +%s
if find_tmux && list list-sessions -F 'options #{session_id} s#{pid}' ';' list-panes -a -F "$panes_format"; then
  section panes
  printf '%s\n' "$rows"
  fit_to_rows
  find_shown
  section screens
  # shellcheck disable=SC2086 # split on purpose
  show_screens $of_shown
else
  section unseen
fi
section end
