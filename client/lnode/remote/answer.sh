# shellcheck shell=sh
# Show the screens of a session's panes, then answer the question on one of them: the line `PANE KEY`, `PANE KEY Enter` or `PANE Enter` on
# standard input, for a prompt also `yes` or `no` as the KEY. If any of the screens has changed since they were shown, nothing is typed: the
# section is `changed`. `taken`: then the screens changed, so the key did something. `PANE Down N` and `PANE Up N` only move a mark: the screens
# are shown again, for the next line.
# values: nonce tmux_path name signs
# parts: section tmux server scheduler own job_notes in_job pane screens

# check_screens: nothing has changed since the screens were shown.
check_screens() {
  awake=
  look || unseen no-session
  if [ "$in_mode" != 0 ]; then leave_modes; fi
  session_screens || unseen no-session
  if [ "$rows" != "$shown" ]; then leave changed; fi
}

# move_mark KEY TIMES: one key after the other, as the program may read a burst as something else.
move_mark() {
  times=$2
  while [ "$times" -gt 0 ]; do
    type_in "k$1"
    sleep 0.1 2>/dev/null || sleep 1
    times=$((times - 1))
  done
  session_screens || unseen no-session
  tries=8
  while [ "$rows" = "$shown" ] && [ "$tries" -gt 0 ]; do
    sleep 0.25 2>/dev/null || sleep 1
    session_screens || unseen no-session
    tries=$((tries - 1))
  done
  let_settle
  session_screens || unseen no-session
}

show_them() {
  shown=$rows
  section screens
  printf '%s\n' "$shown"
  section end
}

longest=0
find_pane '#{session_name}' "$name" ''
session_screens || unseen no-session
show_them
while :; do
  IFS= read -r line || exit 0
  pane=${line%% *} words=${line#* }
  case ${pane#%} in "$pane" | '' | *[!0-9]*) exit 0 ;; esac
  case $words in [A-Za-z0-9] | [A-Za-z0-9]\ Enter | yes\ Enter | no\ Enter | Enter | Up\ [0-9] | Down\ [0-9] | Up\ 1[01] | Down\ 1[01]) ;; *) exit 0 ;; esac
  check_screens
  case $words in
  Up\ * | Down\ *)
    move_mark "${words% *}" "${words#* }"
    show_them
    ;;
  *) break ;;
  esac
done
case $words in
*' Enter') type_in "k${words%% *} kEnter" ;;
*) type_in "k$words" ;;
esac
differs=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  sleep 0.25 2>/dev/null || sleep 1
  session_screens || leave taken
  if [ "$rows" = "$shown" ]; then
    differs=
  elif [ -n "$differs" ]; then # not only while it is drawn again
    leave taken
  else
    differs=yes
  fi
done
section end
