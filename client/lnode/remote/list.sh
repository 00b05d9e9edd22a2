# shellcheck shell=sh
# What runs here, in one answer: tmux first, the scheduler last because it may hang. Each section begins with a line
# of the nonce and its name, so noise of rc files before and after is passed over (TRAPS 6).
# Arguments: NONCE  PANES_FORMAT  SQUEUE_FIELDS  TMUX
nonce=$1 panes_format=$2 squeue_fields=$3

section() {
  printf '\n%s %s\n' "$nonce" "$1"
}

# The scheduler is asked while tmux and ps answer.
scheduled() {
  if need squeue slurm; then
    section jobs
    SLURM_TIME_FORMAT=%s timeout 8 squeue -h -u "${USER:-$(id -un)}" -O "$squeue_fields" 2>/dev/null || section scheduler-silent
  else
    section no-scheduler
  fi
}

# Where a job was not requested by a pane's own process (under script(1), say) the process tree tells whose it is.
# $rows holds the panes, whose line has the process id before a `k`; standard input the jobs.
with_processes() {
  while IFS= read -r line; do
    printf '%s\n' "$line"
    # shellcheck disable=SC2086 # split on purpose: job number, session id, ...
    set -f -- $line
    case $line in
    [0-9]*) case $rows in *" $2 k"*) ;; *) stranger=$2 ;; esac ;;
    esac
  done
  if [ -n "$stranger" ]; then
    section processes
    ps -u "$(id -u)" -o pid= -o ppid= -o sid= 2>/dev/null
  fi
}

find_tmux "$4" || tmux=
scheduled </dev/null | {
  section host
  uname -n
  rows=
  if [ -n "$tmux" ]; then
    section panes
    ask list-panes -a -F "$panes_format"
    printf '%s\n' "$rows"
  else
    section no-tmux
  fi
  stranger=
  with_processes
  section end
}
