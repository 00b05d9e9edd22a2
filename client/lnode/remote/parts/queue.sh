# shellcheck shell=sh
# Part of the attach line: the wait for the job of a session, on this terminal. Ctrl-C leaves it to the job; so does a lost connection.

# wait_in_queue: until $job runs. It is asked for at most each 30 s; when it has started, its note says so at once.
wait_in_queue() {
  mark_as_waiting
  stty isig opost onlcr -echo 2>/dev/null # a reconnect brings the modes of a tty that lnode reads
  trap 'rm -f "$in_jobs/$job.$run"; echo; exit 100' INT
  waited_s=0 next_s=2
  while [ "$state" = waits ] || [ "$state" = silent ]; do
    if [ "$state" = silent ]; then reason='the scheduler does not answer'; fi
    find_start
    printf '\r\033[K%s' "lnode: $name waits for its node, job $job${reason:+ ($reason)}${at:+, about $at there}; Ctrl-C: leave it in the queue"
    while [ "$waited_s" -lt "$next_s" ]; do
      sleep 1
      waited_s=$((waited_s + 1))
      if read_note "$job" && [ "$its_id" != - ]; then next_s=0; fi
    done
    next_s=$((waited_s + (waited_s < 30 ? waited_s : 30)))
    ask_job
  done
  trap - INT
  printf '\r\033[K'
}

# find_start: sets $at to the time of $starts, with its day if that is not today or tonight; to nothing if there is none, or if it has passed.
find_start() {
  at='' until_s=$((${starts:-0} - $(date +%s))) form='+%H:%M'
  [ "$until_s" -gt 0 ] || return 0
  if [ "$until_s" -gt 518400 ]; then form='+%d %b %H:%M'; elif [ "$until_s" -gt 43200 ]; then form='+%a %H:%M'; fi
  at=$(LC_ALL=C date -d "@$starts" "$form" 2>/dev/null)
}

# mark_as_waiting: this attach has not seen its session so far, so a reconnect of it looks for the session by name.
mark_as_waiting() {
  (umask 077 && : >"$in_jobs/$job.$run") 2>/dev/null
}
