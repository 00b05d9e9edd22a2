# shellcheck shell=sh
# The attach to a session that lives in its job: what in_job.sh leaves open, for a terminal and with you before it.

# no_way STATE (in_job.sh): the attach waits with you in the queue. Where the job has ended, there is nothing to come back to.
no_way() {
  case $mode,$1 in
  *,waits | again,silent)
    leave_screen
    wait_in_queue
    set -- "$state"
    ;;
  esac
  leave_screen
  case $mode,$1 in
  *,runs) return ;;
  *,silent)
    if find_tmux && everywhere session_with '#{session_name}' "$name" && [ -n "$id" ]; then return 1; fi
    exit 118
    ;;
  again,*) over ;;
  esac
  if [ "$job" != "$restores" ] && [ ! -e "$in_jobs/$job.history/shown" ]; then show_history; fi
  return 1
}

# over: the job of this attach has ended, and the session with it.
over() {
  leave_screen
  show_history
  exit 119
}

# show_history: what the panes of $job showed at its end, if that was kept; once.
show_history() {
  [ -f "$in_jobs/$job.history/panes" ] || return 0
  kept_panes "$job" | while read -r pane _ _ folder; do
    printf '\033[7m%s\033[0m\n' " $name, job $job, $folder "
    tail -n 30 "$in_jobs/$job.history/${pane#%}"
    printf '\033[0m\n'
  done 2>/dev/null
  : >"$in_jobs/$job.history/shown"
  exit 125
}

# go (in_job.sh): the step has this terminal.
go() {
  if [ -n "$away" ]; then drain; else mark_as_waiting; fi
  terminal=terminal
  on_node
  case $exit_code in
  10[12])
    if goes_on; then
      hop_to_job
      return
    fi
    exit "$exit_code"
    ;;
  1[01][0-9]) exit "$exit_code" ;;
  esac
  if [ -e "$in_jobs/$job.failed" ]; then return; fi # its tmux has not started
  ask_job
  case $state in
  ended)
    if goes_on; then
      hop_to_job
      return
    fi
    if [ -n "$away" ] || [ -s "$in_jobs/$job.$run" ]; then over; fi
    ;;
  silent) fail 118 ;;
  *) fail 107 ;;
  esac
  no_way ended || :
}

# goes_on: sets $job to that which follows it, if one does: the session is there, or will be. Whoever leaves its last shell ends that too, but
# not before the job ends.
goes_on() {
  ended=$job ended_at=$its_asked
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if find_job "$name" && is_later; then break; fi
    job=$ended
    read_keep "$job" || return
    ask_job
    if [ "$state" = ended ]; then
      read_next "$job" && state_of "$next" && pass_on "$job" || return
    else
      sleep 1
    fi
  done
  is_later || return
  mark_as_waiting
  leave_screen
  printf '\r\033[K%s\n' "lnode: job $ended has ended; $name goes on in job $job"
}

is_later() {
  [ "$job" != "$ended" ] && [ "$its_asked" -ge "$ended_at" ]
}

# find_in_job: the session of this job, whatever it is called now. It may only just start, which takes a busy node its time.
find_in_job() {
  waited_s=0
  until [ "$waited_s" -eq 60 ]; do
    if [ -e "$in_jobs/$LNODE_JOB.failed" ]; then exit 1; fi
    if ! read_note "$LNODE_JOB"; then exit 102; fi # it was ended meanwhile
    id=$(printf '%s\n' "$rows" | sed -n "s/^\(\\\$${its_id#?}\) .*/\1/p")
    if [ -z "$id" ]; then id=$(printf '%s\n' "$rows" | sed -n '1s/^\(\$[0-9]*\) .*/\1/p'); fi
    if [ -n "$id" ]; then break; fi
    sleep 1
    waited_s=$((waited_s + 1))
    session_with '#{session_name}' "$name" || cannot_ask
  done
  if [ -z "$id" ]; then
    said="in job $LNODE_JOB it has not begun within $waited_s s"
    cannot_ask
  fi
  session_with '#{session_id}' "$id" || cannot_ask
}
