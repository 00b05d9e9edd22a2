# shellcheck shell=sh
# What runs here, in one answer: tmux first, the scheduler last because it may hang. Each section begins with a line
# of the nonce and its name, so that the reader skips the output of rc files before and after.
# values: nonce panes_format tmux_path
# parts: section tmux scheduler clients own nodes runs

# The scheduler is asked while tmux and ps answer.
scheduled() {
  if ! find_scheduler; then
    section no-scheduler
  else
    section scheduler
    printf '%s\n' "$scheduler"
    "${scheduler}_list" "${USER:-$(id -un)}"
  fi
}

# All about tmux: its panes and clients in one call, and where there are clients the marks of lnode's own (session.sh) and
# the hosts that the ttys of all came from. False if tmux cannot be asked.
sessions() {
  if ! list list-clients -F 'client #{session_id} #{client_pid} #{client_tty}' ';' list-sessions -F 'named #{session_name}' ';' \
    list-panes -a -F "$panes_format"; then
    section refused-tmux
    printf '%s\n' "$rows" | head -n 20
    return 1
  fi
  section panes
  printf '%s\n' "$rows"
  panes=$rows
  set --
  for id in $(printf '%s\n' "$rows" | sed -n 's/^client \(\$[0-9]*\) .*/\1/p' | sort -u); do
    set -- "$@" ';' show-options -t "$id:"
  done
  if [ $# -gt 0 ]; then
    shift
    section marks
    if ask "$@"; then printf '%s\n' "$rows" | grep '^@lnode_run_'; fi
    section who
    who 2>/dev/null | grep "^$(id -un) "
  fi
  section processes
  ps -u "$(id -u)" -o pid= -o ppid= -o sid= -o etime= -o comm= 2>/dev/null
}

# Of the processes in the sessions SID..., and of those that lead into a job, the process group and the command line.
work_of() {
  ps -u "$(id -u)" -o sid= -o pid= -o pgid= -o args= 2>/dev/null | awk -v sids=" $* " -v steps=" $(every steps) " '
    { program = $4; sub(/.*[/]/, "", program) }
    index(sids, " " $1 " ") || index(steps, " " program " ") { print substr($0, 1, 1000) }'
}

# Passes the jobs on, then what is at work in the sessions that submitted the batch jobs (1 in the third field). Of each job
# that no pane's own process requested: in which pane of which tmux was the leader of its session started? Where that is a
# nested tmux, in which pane was that server?
with_origins() {
  jobs=$(cat)
  printf '%s\n' "$jobs"
  section work
  # shellcheck disable=SC2046 # split on purpose
  work_of $(printf '%s\n' "$jobs" | sed -n 's/^[0-9][^ ]*  *\([0-9][0-9]*\)  *1 .*/\1/p' | sort -u | head -n 1000)
  strangers=
  for sid in $(printf '%s\n' "$jobs" | sed -n 's/^[0-9][^ ]* *\([0-9]*\) .*/\1/p'); do
    case $panes in
    *" $sid %"*) continue ;;
    esac
    case "$strangers " in
    *" $sid "*) ;;
    *) if [ -r "/proc/$sid/environ" ]; then strangers="$strangers $sid"; fi ;;
    esac
  done
  if [ -n "$strangers" ]; then
    section origins
    # shellcheck disable=SC2086 # split on purpose
    origins=$(started_in $strangers)
    printf '%s\n' "$origins"
    # shellcheck disable=SC2046 # split on purpose
    started_in $(printf '%s\n' "$origins" | sed -n 's/^TMUX=.*,\([0-9]*\),[^,]*$/\1/p' | sort -u)
  fi
}

started_in() {
  for pid; do
    printf '\0pid %s\0' "$pid"
    cat "/proc/$pid/environ" 2>/dev/null
  done | tr '\0' '\n' | grep -E '^(pid [0-9]+$|TMUX=|TMUX_PANE=)'
}

# A row for each session that is said to be on another node: NODE PORT NAME.
noted_elsewhere() {
  other_nodes | while read -r file; do
    sed -n "1{s/^port \([0-9]*\).*/\1/;h;d;};G;s/\(.*\)\n\(.*\)/${file##*/} \2 \1/p" "$file" 2>/dev/null
  done | head -n 500
}

section host
uname -n
date +%s
printf '%s\n' "${SSH_CONNECTION##* }"
find_tmux || tmux=
find_server
scheduled </dev/null | {
  panes=
  if [ -z "$tmux" ]; then
    section no-tmux
  elif [ -n "$lost" ]; then
    section lost-tmux
  elif sessions; then
    printf '%s\n' "$panes" | sed -n 's/^named //p' | note_sessions || section unkept
  fi
  section nodes
  noted_elsewhere
  if [ -d "$own_state" ]; then
    for kept in nodes runs sshd; do
      if [ -d "$own_state/$kept" ]; then own_folder "$kept"; fi
    done
    if [ -n "$modeless" ]; then section modeless; fi
    section distrusted
    distrusted
  fi
  if [ -d "$runs" ]; then
    section runs
    list_runs
  fi
  with_origins
  section end
}
