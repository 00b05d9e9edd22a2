# shellcheck shell=sh
# What runs here, in one answer: tmux first, the scheduler last because it may hang. Each section begins with a line
# of the nonce and its name, so that the reader skips the output of rc files before and after.
# SIGNS are texts, one a line: the screens on which one of them stands are shown, none without signs.
# values: nonce panes_format tmux_path signs
# parts: section tmux server scheduler clients own nodes requests job_notes list_in_jobs runs screens

# The scheduler is asked while tmux and ps answer.
scheduled() {
  if ! find_scheduler; then
    if [ -n "$login_late" ]; then section scheduler-silent; else section no-scheduler; fi
  else
    section scheduler
    printf '%s\n' "$scheduler"
    "${scheduler}_list" "${USER:-$(id -un)}"
  fi
}

# ask_panes LIST: the panes and clients of one server, in one call of LIST, which is a function of tmux.sh.
ask_panes() {
  "$1" list-clients -F 'client #{session_id} #{client_pid} #{client_tty}' ';' list-sessions -F 'named #{session_name}' ';' \
    list-sessions -F "$options_format" ';' \
    list-panes -a -F "$panes_format"
}

# All about tmux: the panes and clients of each server of yours, where there are clients the marks of lnode's own (session.sh) and
# the hosts that the ttys of all came from. Another server than the first has a section of its own, as ids are those of one server.
# False if the first cannot be asked.
sessions() {
  if ! ask_panes list; then
    unasked
    return 1
  fi
  attached='' number=1
  show_panes panes
  for folder in $(elsewhere); do
    move_to "$folder"
    if ! ask_panes list_here; then
      section unasked-tmux
      printf '%s\n' "$rows" | head -n 20
    elif [ -z "$none" ]; then
      number=$((number + 1))
      show_panes "panes-$number"
    fi
  done
  move_to "$its_folder"
  if [ -n "$attached" ]; then
    section who
    who 2>/dev/null | grep "^${USER:=$(id -un)} "
  fi
  section processes
  ps -u "$me" -o pid= -o ppid= -o sid= -o etime= -o comm= 2>/dev/null
}

# show_panes SECTION
show_panes() {
  section "$1"
  printf '%s\n' "$rows"
  panes="$panes
$rows"
  fit_to_rows
  if [ -n "$signs" ]; then
    of_shown=''
    find_shown
    section "screens${1#panes}"
    # shellcheck disable=SC2086 # split on purpose
    show_screens $of_shown
  fi
  set --
  for id in $(printf '%s\n' "$rows" | sed -n 's/^client \(\$[0-9]*\) .*/\1/p' | sort -u); do
    set -- "$@" ';' show-options -t "$id:"
  done
  if [ $# -gt 0 ]; then
    shift
    attached=yes
    section marks
    if ask "$@"; then printf '%s\n' "$rows" | grep '^@lnode_run_'; fi
  fi
}

# Of the processes in the sessions that submitted the batch jobs (1 in the third field), and of those that lead into a job, the
# process group and the command line.
work() {
  {
    printf '%s\nprocesses\n' "$jobs"
    ps -u "$me" -o sid= -o pid= -o pgid= -o args= 2>/dev/null
  } | awk -v steps=" $(every steps) " '
    /^processes$/ { at_work = 1; next }
    !at_work { if ($1 ~ /^[0-9]/ && $3 == 1 && $2 ~ /^[0-9]+$/) asked[$2] = 1; next }
    { program = $4; sub(/.*\//, "", program) }
    $1 in asked || index(steps, " " program " ") { print substr($0, 1, 1000) }'
}

# Passes the jobs on, then what is at work on them. Of each job that no pane's own process requested: in which pane of which tmux
# was the leader of its session started? Where that is a nested tmux, in which pane was that server?
with_origins() {
  jobs=$(cat)
  printf '%s\n' "$jobs"
  case $jobs in
  *"
"[0-9]*) ;;
  *) return ;;
  esac
  section work
  work
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
  others=$(other_nodes)
  [ -n "$others" ] || return 0
  printf '%s\n' "$others" | while read -r file; do
    sed -n "1{s/^port \([0-9]*\).*/\1/;h;d;};G;s/\(.*\)\n\(.*\)/${file##*/} \2 \1/p" "$file" 2>/dev/null
  done | head -n 500
}

me=$(id -u)
name_node
section host
printf '%s\n' "$this_node"
clock=$(date +%s)
printf '%s\n' "$clock"
printf '%s\n' "${SSH_CONNECTION##* }"
find_tmux || tmux=
scheduled </dev/null | {
  panes=
  if [ -z "$tmux" ] && [ -n "$login_late" ]; then
    section refused-tmux
    echo 'your login shell has not told in time where tmux is'
  elif [ -z "$tmux" ]; then
    section no-tmux
  elif sessions; then
    note_sessions "$(printf '%s\n' "$panes" | sed -n 's/^named //p')" || section unkept
  fi
  section nodes
  noted_elsewhere
  if [ -d "$own_state" ]; then
    for kept in nodes requests in_jobs runs sshd; do
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
  note_by_hand
  if [ -d "$requests" ]; then list_requests; fi
  note_made_by_hand
  if [ -d "$in_jobs" ]; then
    list_in_jobs
    show_in_jobs
  fi
  section end
}
