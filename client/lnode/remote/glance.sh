# shellcheck shell=sh
# Tells the panes of tmux and the screens of agents each time that another agent waits, or one no longer does, or you begin or cease to
# look at it: what an attach asks of tmux alone, for as long as somebody holds the standard input. It looks each 30 s. BEFORE is `some` if the laptop
# knows of agents that wait, by an earlier link: then it tells in any case at first.
# values: nonce panes_format tmux_path signs rules before
# parts: section tmux server screens waits

glance() {
  awake=''
  list list-sessions -F "$options_format" ';' list-panes -a -F "$panes_format" || return 0
  panes=$rows of_shown=''
  fit_to_rows
  find_shown
  # shellcheck disable=SC2086 # split on purpose
  shown=$(show_screens $of_shown) || return 0
  find_waits 60 "$rules" "$panes" "$shown"
  if [ "$waits" = "$told" ]; then return; fi
  told=$waits
  section host
  uname -n
  date +%s
  section panes
  printf '%s\n' "$panes"
  section screens
  printf '%s\n' "$shown"
  section end
}

told=$before
find_tmux || exit
while :; do
  glance
  sleep 30 >/dev/null 2>&1
done &
looks=$!
cat >/dev/null
kill "$looks"
