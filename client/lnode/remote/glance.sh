# shellcheck shell=sh
# Tells each time that another agent waits, or one no longer does, or you begin or cease to look at it: what an attach asks without the scheduler, for
# as long as somebody holds the standard input. It looks each 30 s. For agents of the tmux here it tells the panes and the screens of agents. Where
# sessions in jobs have waits, or had them, it says `look`: only the whole list joins these with their jobs. BEFORE is `some` if the laptop
# knows of agents that wait, by an earlier link: then it tells in any case at first.
# values: nonce panes_format tmux_path signs rules before
# parts: section tmux server own job_notes screens waits

glance() {
  awake=''
  find_there
  if [ -z "$tmux" ]; then
    here=''
  else
    list list-sessions -F "$options_format" ';' list-panes -a -F "$panes_format" || return 0
    panes=$rows of_shown=''
    fit_to_rows
    find_shown
    # shellcheck disable=SC2086 # split on purpose
    shown=$(show_screens $of_shown) || return 0
    find_waits 60 "$rules" "$panes" "$shown"
    here=$waits
  fi
  if [ "$here$there" = "$told" ]; then return; fi
  if [ -n "$there$there_before" ] || [ -z "$tmux" ]; then
    section look
  else
    section host
    uname -n
    date +%s
    section panes
    printf '%s\n' "$panes"
    section screens
    printf '%s\n' "$shown"
  fi
  section end
  told=$here$there there_before=$there
}

# find_there: sets $there to the waits of sessions in jobs, as these have noted what they show (shown_in_job.sh); those of 20 jobs at most.
find_there() {
  there='' seen='' number_noted=0
  if ! [ -d "$in_jobs" ] || ! own_folder in_jobs; then return; fi
  for file in "$in_jobs"/[0-9]*.shown; do
    if ! is_own "$file"; then continue; fi
    shown=$(head -c 8000 "$file")
    find_waits 60 "$rules" "$(printf '%s\n' "$shown" | grep '^\$')" "$(printf '%s\n' "$shown" | grep -v '^\$')"
    if [ -n "$waits" ]; then there="$there
${file##*/} $waits"; fi
    number_noted=$((number_noted + 1))
    if [ "$number_noted" -ge 20 ]; then break; fi
  done
}

told=$before there_before=''
find_tmux || tmux=''
if [ -z "$tmux" ] && ! [ -d "$in_jobs" ]; then exit; fi
while :; do
  glance
  sleep 30 >/dev/null 2>&1
done &
looks=$!
cat >/dev/null
kill "$looks"
