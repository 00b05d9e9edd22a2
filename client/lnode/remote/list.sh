# shellcheck shell=sh
# What runs here, in one answer: tmux first, the scheduler last because it may hang. Each section begins with a line
# of the nonce and its name, so noise of rc files before and after is passed over (TRAPS 6).
# Arguments: NONCE  PANES_FORMAT  SQUEUE_FIELDS  TMUX
nonce=$1 panes_format=$2 squeue_fields=$3

section() {
  printf '\n%s %s\n' "$nonce" "$1"
}

list() {
  section host
  uname -n
  if find_tmux "$1"; then
    section panes
    "$tmux" -u list-panes -a -F "$panes_format" 2>/dev/null
  else
    section no-tmux
  fi
  section processes
  ps -u "$(id -u)" -o pid= -o ppid= -o sid= 2>/dev/null
  if need squeue slurm; then
    section jobs
    if ! SLURM_TIME_FORMAT=%s timeout 8 squeue -h -u "$(id -un)" -O "$squeue_fields" 2>/dev/null; then
      section scheduler-silent
    fi
  else
    section no-scheduler
  fi
  section end
}

list "$4"
