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
    SLURM_TIME_FORMAT=%s timeout 8 squeue -h -u "$(id -un)" -O "$squeue_fields" 2>/dev/null || section scheduler-silent
  else
    section no-scheduler
  fi
}

sessions_here() {
  section host
  uname -n
  if [ -n "$tmux" ]; then
    section panes
    ask list-panes -a -F "$panes_format"
    printf '%s\n' "$rows"
  else
    section no-tmux
  fi
  section processes
  ps -u "$(id -u)" -o pid= -o ppid= -o sid= 2>/dev/null
}

find_tmux "$4" || tmux=
scheduled </dev/null | {
  sessions_here
  cat
  section end
}
