# shellcheck shell=sh
# After the list: wait for one line on standard input, `SESSION_ID JOB...`, and end these. Anything else ends nothing.
# The jobs are cancelled in so many words: kill-session frees salloc and srun jobs, but not sbatch ones (TRAPS 20).
# Arguments: those of list.sh, then NAME
name=$5

IFS= read -r verdict || exit 0
# shellcheck disable=SC2086 # split on purpose: an id and job numbers
set -f -- $verdict
[ -n "$1" ] || exit 0
want=$1
shift

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
