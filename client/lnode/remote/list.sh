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
  return 0
}

# pick BEGINNING TEXT [INSTEAD]: sets $picked to the rows of TEXT that begin so, without that, or with INSTEAD. With no process more: a list
# has many rows to pick.
pick() {
  picked=''
  set -f
  IFS='
'
  for row in $2; do
    case $row in "$1"*) picked="$picked$3${row#"$1"}$IFS" ;; esac
  done
  picked=${picked%"$IFS"}
  unset IFS
  set +f
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
  pick 'client ' "$rows"
  set --
  shown=' '
  for word in $picked; do
    case $word,$shown in
    \$*,*" $word "*) ;;
    \$*) set -- "$@" ';' show-options -t "$word:" && shown="$shown$word " ;;
    esac
  done
  if [ $# -gt 0 ]; then
    shift
    attached=yes
    section marks
    if ask "$@"; then
      pick @lnode_run_ "$rows" @lnode_run_
      printf '%s\n' "$picked"
    fi
  fi
}

# What runs here: the names of programs, which may have blanks in them and so cannot stand beside a command line, then ps. Both run while tmux
# and the scheduler answer, and wait for no reader: the pipe is short.
processes() {
  names=$(LC_ALL=C grep -s . /proc/[0-9]*/comm)
  if have timeout; then set -- timeout -k 1 "$patience_s"; else set --; fi # a command line may be on a file system that hangs
  rows=$("$@" ps -ww -u "$me" -o pid= -o ppid= -o sid= -o pgid= -o etime= -o stat= -o args= 2>/dev/null)
  printf '%s\n\n%s\n' "$names" "$rows"
}

# The processes by their names. Then, of those in the sessions of $submitters and of those that lead into a job, the process group and the
# command line. A process that has ended and is not reaped does no work.
at_work() {
  section processes
  awk -v submitters="$submitters" -v steps=" $(every steps) " -v work="$nonce work" <&3 '
    { $0 = substr($0, 1, 1200) }
    !named && /^$/ { named = 1; next }
    !named {
      split($0, part, "/")
      if (!(part[3] in name)) { name[part[3]] = $0; sub(/^[^:]*:/, "", name[part[3]]) }
      next
    }
    NF {
      program = $7; sub(/.*\//, "", program)
      its = name[$1] == "" ? program : name[$1]
      sub(/^-/, "", its)
      if ($6 ~ /^Z/) its = its " <defunct>"
      gsub(/[^ -~]/, "?", its)
      print $1, $2, $3, $5, its
      if (index(submitters, " " $3 " ") || index(steps, " " program " ")) {
        ids = $3 " " $1 " " $4 " "
        sub(/^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[^ ]+ +[^ ]+ +/, "")
        at_work[++count] = substr(ids $0, 1, 1000)
      }
    }
    END {
      print "\n" work
      for (i = 1; i <= count; i++) print at_work[i]
    }'
}

# Passes the jobs on, then what is at work on them. Of each job that no pane's own process requested: in which pane of which tmux
# was the leader of its session started? Where that is a nested tmux, in which pane was that server?
with_origins() {
  jobs=$(cat)
  printf '%s\n' "$jobs"
  submitters=' ' strangers=
  set -f
  IFS='
'
  for row in $jobs; do # with no process more
    unset IFS
    case $row in [0-9]*) find_requester "$row" ;; esac
  done
  unset IFS
  set +f
  at_work
  if [ -n "$strangers" ]; then
    section origins
    # shellcheck disable=SC2086 # split on purpose
    origins=$(started_in $strangers)
    printf '%s\n' "$origins"
    # shellcheck disable=SC2046 # split on purpose
    started_in $(printf '%s\n' "$origins" | sed -n 's/^TMUX=.*,\([0-9]*\),[^,]*$/\1/p' | sort -u)
  fi
}

# find_requester ROW: puts the session of processes that requested this job into $submitters, if it is a batch job, and into $strangers,
# if its leader is no pane's own process. The caller has switched off file names (set -f).
find_requester() {
  # shellcheck disable=SC2086 # split on purpose: job, session, batch
  set -- $1
  case $2 in '' | *[!0-9]*) return ;; esac
  if [ "$3" != 0 ]; then submitters="$submitters$2 "; fi
  case $panes in *" $2 %"*) return ;; esac
  case "$strangers " in *" $2 "*) return ;; esac
  if [ -r "/proc/$2/environ" ]; then strangers="$strangers $2"; fi
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

# All that is told beside the scheduler, which it has on its standard input; 3 has the processes.
answers() {
  panes=
  if [ -z "$tmux" ] && [ -n "$login_late" ]; then
    section refused-tmux
    echo 'your login shell has not told in time where tmux is'
  elif [ -z "$tmux" ]; then
    section no-tmux
  elif sessions; then
    pick 'named ' "$panes"
    note_sessions "$picked" || section unkept
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

: "${me:=$(id -u)}"
name_node
section host
printf '%s\n' "$this_node"
clock=$(date +%s)
printf '%s\n' "$clock"
printf '%s\n' "${SSH_CONNECTION##* }"
find_tmux || tmux=
processes | {
  exec 3<&0
  scheduled </dev/null 3<&- | answers
}
