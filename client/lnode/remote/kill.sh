# shellcheck shell=sh
# After the list: wait for one line on standard input, `SESSION_ID JOB...` or `run ID`, and end these. Anything else ends nothing.
# The jobs are cancelled in so many words: kill-session frees salloc and srun jobs, but not sbatch ones (TRAPS 20).
# Arguments: those of list.sh, then NAME
name=$5

IFS= read -r verdict || exit 0
# shellcheck disable=SC2086 # split on purpose: an id and job numbers
set -f -- $verdict
[ -n "$1" ] || exit 0
want=$1
shift

# members: the processes of the run's session that are left.
members() {
  ps -u "$(id -u)" -o pid= -o sid= 2>/dev/null | while read -r member of; do
    if [ "$of" = "$leader" ]; then echo "$member"; fi
  done
}

# all_gone SECONDS: are they, within that time?
all_gone() {
  tries=$(($1 * 5))
  while [ -n "$(members)" ]; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep 0.2 2>/dev/null || sleep 1
  done
}

# Its whole process group, and what has left the group but not its session; the keeper has a session of its own.
# shellcheck disable=SC2046 # split on purpose
stop_run() {
  kill -s TERM -- "-$leader" $(members) 2>/dev/null
  all_gone 8 && return
  section killed
  kill -s KILL -- "-$leader" $(members) 2>/dev/null
  all_gone 3
}

if [ "$want" = run ]; then
  read_run "$runs/$name"
  if [ "$run" != "$1" ] || [ "$state" != running ]; then section changed; else stop_run; fi
  tries=25
  while [ ! -e "$runs/$name/ended" ] && [ "$tries" -gt 0 ]; do # its keeper writes it
    tries=$((tries - 1))
    sleep 0.2 2>/dev/null || sleep 1
  done
  section stopped
  read_run "$runs/$name"
  row_of "$name"
  section end
  exit 0
fi

session_with '#{session_name}' "$name"
if [ "$id" = "$want" ]; then
  "$tmux" -u kill-session -t "$id" 2>&1
else
  session_with '#{session_id}' "$want"
  if [ -n "$id" ]; then
    section renamed
    section end
    exit 0
  fi
fi
if [ $# -gt 0 ]; then
  section cancel
  find_scheduler
  case $scheduler in
  lsf) program='bkill' ;;
  pbs | sge) program='qdel' ;;
  *) program='scancel' ;;
  esac
  need $program slurm
  timeout 20 $program "$@" 2>&1 || [ $? -lt 124 ] || echo "$program does not answer"
fi
section left
session_with '#{session_name}' "$name"
printf '%s\n' "$id"
printf '%s\n' "$rows" | sed -n 's/^\$[0-9]* //p' | note_sessions
section end
