# shellcheck shell=sh
# After the list: wait for one line on standard input, `SESSION_ID JOB... held PID...`, `orphan JOB...`, `in-job JOB` or `run ID`, and end these.
# Anything else ends nothing. The jobs are cancelled by name: kill-session frees interactive jobs, but not the batch job of a wrapper. PID... are
# the processes that hold requests there, as they were shown: another one means another job, and nothing is ended.
# values: name
# parts: section tmux server scheduler clients own nodes requests job_notes in_job list_in_jobs runs list

IFS= read -r verdict || exit 0
awake=
set -f
# shellcheck disable=SC2086 # split on purpose: an id and job numbers
set -- $verdict
set +f
[ -n "$1" ] || exit 0
want=$1
shift

# members [PROGRAM...]: the processes of the run's session that are left, without those programs.
members() {
  ps -u "$me" -o pid= -o sid= -o comm= 2>/dev/null | while read -r member of program; do
    case "$of  $* " in
    "$leader "*" ${program##*/} "*) ;;
    "$leader "*) echo "$member" ;;
    esac
  done
}

# all_gone SECONDS: are they, within that time?
all_gone() {
  tries=$(($1 * 5))
  while [ -n "$(members)" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    nap 0.2
  done
}

# end_steps: TERM for what the run has in an allocation, that of a session or its own. False if nothing was found there.
# shellcheck disable=SC2046,SC2154 # split on purpose; $in_job is of read_run
end_steps() {
  if [ "$in_job" != - ]; then
    end_step "$in_job" "lnode-$run"
  elif [ "$(members)" != "$(members $(every steps))" ]; then
    end_requested "$leader" "$started"
  else
    return 1
  fi
}

# is_anothers: it has ended, and its number is that of another process.
is_anothers() {
  begin_of "$leader" && [ "$begin" != "$tick" ]
}

# Its whole process group, and what has left the group but not its session; the keeper has a session of its own. An srun answers TERM
# by KILL for its step, so the step gets TERM, and the srun only after the time in which a program may save what it has.
# shellcheck disable=SC2046 # split on purpose
stop_run() {
  if is_anothers; then return; fi
  wait_s=8
  if end_steps; then
    kill -s TERM $(members $(every steps)) 2>/dev/null
    all_gone 8 && return
    section killed
    wait_s=3
  fi
  if is_anothers; then return; fi
  kill -s TERM -- "-$leader" $(members) 2>/dev/null
  all_gone "$wait_s" && return
  if [ "$wait_s" = 8 ]; then section killed; fi
  kill -s KILL -- "-$leader" $(members) 2>/dev/null
  all_gone 3
}

if [ "$want" = run ]; then
  read_run "$runs/$name"
  if [ "$run" != "$1" ] || [ "$state" != running ]; then section changed; else stop_run; fi
  tries=25
  while [ ! -e "$runs/$name/ended" ] && [ "$tries" -gt 0 ]; do # its keeper writes it
    tries=$((tries - 1))
    nap 0.2
  done
  section stopped
  read_run "$runs/$name"
  row_of "$name"
  section end
  exit 0
fi

# find_session FORMAT VALUE: session_with; a tmux that cannot be asked ends it all.
find_session() {
  session_with "$1" "$2" || leave silent "$rows"
}

# new_requests: the processes that hold a request in the panes that end with session $id, but those of $held and their
# children; a word if tmux cannot be asked.
new_requests() {
  if ! ask list-panes -a -F '#{session_id} #{pane_pid}'; then echo unknown && return; fi
  {
    printf '%s\n' "$rows" | sed -n 's/^\$/pane &/p'
    yours -o pid= -o ppid= -o comm= 2>/dev/null
  } | awk -v id="$id" -v held=" $held " -v requesters=" $(every requesters) " '
    $1 == "pane" { if ($2 == id) ends[$3] = 1; else stays[$3] = 1; next }
    { parent[$1] = $2; name[$1] = $3 }
    END {
      for (pid in name) {
        if (!index(requesters, " " name[pid] " ")) continue
        for (at = pid; at in name && index(held, " " at " ") == 0 && steps[pid]++ < 500; at = parent[at])
          if (at in ends) { if (!(at in stays)) print pid; break }
      }
    }'
}

# The jobs become the arguments.
jobs=
while [ $# -gt 0 ] && [ "$1" != held ]; do
  jobs="$jobs $1"
  shift
done
if [ $# -gt 0 ]; then shift; fi
held=$*
set -f
# shellcheck disable=SC2086 # split on purpose
set -- $jobs
set +f

# find_by_name: go to the one of your servers that has the session, and set $has_name to its id, or to nothing. A server that cannot be
# asked may have it too, unless it is found.
find_by_name() {
  find_session '#{session_name}' "$name"
  has_name=$id at=$TMUX_TMPDIR
  for folder in $(elsewhere); do
    move_to "$folder"
    if ! session_with '#{session_name}' "$name"; then
      [ -n "$has_name" ] || leave silent "$rows"
    elif [ -n "$id" ] && [ "$TMUX_TMPDIR" != "$at" ]; then
      [ -z "$has_name" ] || leave twice
      has_name=$id at=$TMUX_TMPDIR
    fi
  done
  move_to "$at"
}

# note_all: note the sessions of all your servers, of which $rows are those of the one that was asked last. A server that cannot be asked
# keeps what was noted.
note_all() {
  names=$(printf '%s\n' "$rows" | sed -n 's/^\$[0-9]* //p')
  for folder in $(elsewhere); do
    move_to "$folder"
    session_with '#{session_name}' "$name" || return
    names="$names
$(printf '%s\n' "$rows" | sed -n 's/^\$[0-9]* //p')"
  done
  note_sessions "$names"
}

# cancel JOB...: those that have ended meanwhile are named too, which does not matter. False unless all are cancelled. Your locale may be
# unknown here, and Perl would complain of that.
cancel() {
  section cancel
  find_scheduler
  program=$(of cancels)
  need "${program%% *}" "$(every module)"
  # shellcheck disable=SC2086 # split on purpose: a program and its first word
  (LC_ALL=C && export LC_ALL && insist within 20 $program "$@" 2>&1)
  cancelled=$?
  if [ "$cancelled" -ge 124 ]; then echo "$program does not answer"; fi
  return "$cancelled"
}

# are_over JOB...: does the scheduler say so of all of them?
are_over() {
  for job; do
    ask_job
    [ "$state" = ended ] || return
  done
}

# give_up: tell the processes of $held that they shall delete their jobs. A qsub -I lives on without its terminal, and so does its job.
give_up() {
  find_scheduler
  signal=$(of gives_up)
  [ -n "$signal" ] || return
  for pid in $held; do
    case " $(of requesters) " in *" $(ps -o comm= -p "$pid" 2>/dev/null) "*) kill -s "$signal" "$pid" ;; esac
  done
}

if [ "$want" = in-job ]; then
  job=$1
  [ -e "$in_jobs/$job" ] || leave changed # another job has its session by now
  write_note "$job.keep" '0 0'
  if ! stop_next "$job"; then
    next=''
    if [ -e "$in_jobs/$job.taken" ] && read_note "$job" && find_job "$its_name" && [ "$job" != "$1" ]; then leave changed; fi
    job=$1
  fi
  section follows
  if [ -n "$next" ]; then printf '%s\n' "$next"; fi
  its_own=$job
  # shellcheck disable=SC2086 # nothing, or a job number
  cancel "$its_own" $next
  section left
  going_on=''
  for job in "$its_own" $next; do
    if ! are_over "$job"; then going_on=yes && printf '%s\n' "$job"; fi
  done
  if [ -z "$going_on" ]; then
    if find_before "$its_own"; then forget_job "$before"; fi
    forget_job "$its_own"
  fi
  section end
  exit 0
fi
its_panes=
find_by_name
if [ "$want" = orphan ]; then # a session of that name has brought it back meanwhile
  [ -z "$has_name" ] || leave changed
  if [ $# -eq 0 ] || cancel "$@" || are_over "$@"; then forget_requests "$name"; fi
  section left
  section end
  exit 0
fi
find_session '#{session_id}' "$want"
its_birth=$born
if [ -n "$id" ]; then
  [ "$has_name" = "$want" ] || leave renamed
  find_scheduler
  [ -z "$(new_requests)" ] || leave changed
  ask list-panes -s -t "$id" -F '#{pane_pid}'
  its_panes=$rows
  give_up
  section said
  ask kill-session -t "$id" || printf '%s\n' "$rows"
  find_session '#{session_id}' "$want"
  if [ "$born" != "$its_birth" ]; then id=''; fi # that of another server, which is found where this one has ended
fi
if [ -z "$id" ] && [ $# -gt 0 ]; then cancel "$@" || are_over "$@" || its_panes=''; fi
if [ -z "$id" ]; then
  for pid in $its_panes; do rm -f "$requests/$this_node.$pid"; done
fi
find_session '#{session_name}' "$name"
section left
printf '%s\n' "$id"
note_all
section end
