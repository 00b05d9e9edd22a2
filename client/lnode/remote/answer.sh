# shellcheck shell=sh
# Show the screens of a session's panes, then answer the question on one of them: the line `PANE KEY`, `PANE KEY Enter` or `PANE Enter` on
# standard input, for a prompt also `yes` or `no` as the KEY. If the screen of that pane has changed since it was shown, nothing is typed: the
# section is `changed`. `taken`: then it changed, so the key did something. `PANE Down N` and `PANE Up N` only move a mark: the screens are shown
# again, for the next line.
# values: nonce tmux_path name signs
# parts: section tmux server scheduler own job_notes in_job pane screens

# shown_of_pane: what was shown of $pane. Not when its window last changed: that is so for each pane of the window.
shown_of_pane() {
  printf '%s\n' "$shown" | LC_ALL=C awk -v pane="$pane" '/^%[0-9]+ c[01]* a[01]* t[0-9]*( |$)/ { its = $1 == pane } its' | without_time
}

without_time() {
  sed '1s/ t[0-9]*//'
}

# look_at_screen: sets $screen to what is shown of $pane alone. It may be more rows at its top than were shown: those have a limit for all panes.
# False if tmux says nothing about the session.
look_at_screen() {
  session_screens "$pane" || return
  screen=$(printf '%s\n' "$rows" | without_time)
}

# is_as_shown: is $screen as in $its_screen, its head and the rows below?
is_as_shown() {
  [ "$(printf '%s\n' "$screen" | last_rows)" = "$its_screen" ]
}

last_rows() {
  awk -v count="$its_rows" 'NR == 1 { print; next } { row[NR] = $0 } END { for (i = NR - count + 1; i <= NR; i++) if (i > 1) print row[i] }'
}

# check_screen: it has not changed since it was shown.
check_screen() {
  awake=
  look || unseen no-session
  if [ "$in_mode" != 0 ]; then leave_modes; fi
  look_at_screen || unseen no-session
  its_screen=$(shown_of_pane)
  its_rows=$(($(printf '%s\n' "$its_screen" | wc -l) - 1))
  if [ -z "$its_screen" ] || ! is_as_shown; then leave changed; fi
}

# move_mark KEY TIMES: one key after the other, as the program may read a burst as something else.
move_mark() {
  times=$2
  while [ "$times" -gt 0 ]; do
    type_in "k$1"
    nap 0.1
    times=$((times - 1))
  done
  look_at_screen || unseen no-session
  tries=8
  while is_as_shown && [ "$tries" -gt 0 ]; do
    nap 0.25
    look_at_screen || unseen no-session
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
  check_screen
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
  nap 0.25
  look_at_screen || leave taken
  if is_as_shown; then
    differs=
  elif [ -n "$differs" ]; then # not only while it is drawn again
    leave taken
  else
    differs=yes
  fi
done
section end
