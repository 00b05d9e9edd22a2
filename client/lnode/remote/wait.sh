# shellcheck shell=sh
# Type into a session, if there is something to type, then show what has come each time that a line arrives on standard input; it ends with the
# connection. Rows are counted from the first of the pane's history on. FORMAT, VALUE and PANE are those of find_pane. FROM is the first row that
# has not been seen, LAST the length of the history then; empty at the first time. `follow` shows the screen and what went past it, `since` what
# came after row FROM, `agent` the screens of all panes of the session on which one of SIGNS stands. With the deed `type` one line is waited for
# (see send.sh).
# values: nonce tmux_path name format value pane from last how deed signs
# parts: section tmux server scheduler own job_notes in_job pane screens

# keep_bells: from 2.6 to 3.1 tmux has no flag for a bell in the current window, even if nobody is attached. There a hook keeps it
# for look, unless you have a hook of your own. It stays: a wait that goes on over another connection still needs it.
keep_bells() {
  case $(version_of "$tmux") in
  2.[6-9]* | 3.[01] | 3.[01][a-z]*) ;;
  *) return ;;
  esac
  ask show-hooks -g
  if printf '%s\n' "$rows" | grep -qE '^alert-bell(\[[0-9]+\])? .'; then return; fi
  ask set-option -u -t "$id:" @lnode_bell ';' set-hook -t "$id:" alert-bell "set-option -t '$id:' @lnode_bell '!'"
}

find_pane "$format" "$value" "$pane"
if [ -z "$last" ]; then
  from=$history last=$history
  if [ "$deed" = type ]; then
    leave_modes
    section ready
    section end
    IFS= read -r words || exit 0
    awake=
    look || unseen no-session
    from=$((history + cursor))
    section before
    if [ "$alternate" = 1 ]; then show -J; else show -J -S "$cursor" -E "$cursor"; fi
    ask kill-session -C -t "$id" # puts out its bells, and ends nothing
    keep_bells
    type_in "$words"
  else
    keep_bells
  fi
fi
section pane
printf '%s %s %s %s %s\n' "$created" "$id" "$pane" "$from" "$last"
section end

# rows_above ROW: sets $rows to the 20 rows above it. False if there are not so many.
rows_above() {
  [ $(($1 - 20)) -ge 0 ] && ask capture-pane -p -t "$pane" -S $(($1 - history - 20)) -E $(($1 - history - 1))
}

# find_above: moves $from to where the rows of $above end now. tmux drops a tenth of a history that is full, again and again, and says nothing.
find_above() {
  at=$from
  [ -n "$above" ] && [ "$alternate" != 1 ] || return
  for _ in 0 1 2 3 4 5 6 7 8 9; do
    rows_above "$at" || return
    if [ "$rows" = "$above" ]; then
      from=$at
      return
    fi
    at=$((at - limit / 10))
  done
  return 1
}

# recount: counts $from and $start anew. Without rows to find it by: tmux has dropped a tenth, or all, as when a program clears it.
recount() {
  if ! find_above && [ "$history" -lt "$last" ]; then
    if [ $((last - history)) -le $((limit / 10)) ]; then from=$((from - limit / 10)); else from=0; fi
  fi
  last=$history
  if [ "$how" = since ] && [ "$alternate" != 1 ] && [ $((history + cursor)) -lt "$from" ]; then from=$history; fi
  start=$((from - history))
  if [ "$alternate" = 1 ]; then start=0; fi
  if [ "$start" -lt -2000 ]; then start=-2000; fi
}

# read_rows: sets $new to the rows from $from on, which it counts anew, $next to where the next look begins, and $above_next to the rows above that.
read_rows() {
  recount
  ask capture-pane -p -J -t "$pane" -S "$start" || return
  new=$rows next=$from above_next=''
  if [ "$how" = follow ]; then next=$history; fi
  if [ "$history" -ge $((limit / 2)) ] && rows_above "$next"; then above_next=$rows; fi
}

# read_steadily: the same at one moment. tmux counts rows from the top of the screen, which moves while a program prints: a row that comes
# between two questions shifts all that the second one says. What was read counts also if the pane has gone since.
read_steadily() {
  first=$from length=$last
  for _ in 1 2 3 4; do
    from=$first last=$length moment="$history $history_bytes $cursor $alternate" rang=$bell
    read_rows || return
    if [ "$alternate" = 1 ]; then return; fi
    if ! look; then
      bell=$rang
      return 0
    fi
    if [ "$moment" = "$history $history_bytes $cursor $alternate" ]; then return; fi
  done
}

shown='' above=''
while read -r _; do
  awake=
  look || unseen gone
  if [ "$how" = agent ]; then
    session_screens || unseen gone
    new=$rows next=$from above_next=''
  elif ! read_steadily; then
    said=$rows
    look || unseen gone
    rows=$said looked=
    unseen gone
  fi
  answer="$from $last $alternate $dead ${bell:-no}
$new"
  if [ "$answer" = "$shown" ]; then
    section same
  else
    section look
    printf '%s\n' "$answer" | sed 's/^/|/'
    shown=$answer
  fi
  from=$next above=$above_next
  section end
done
