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

# All about tmux: its panes and clients in one call, and where there are clients the marks of lnode's own (session.sh) and
# the hosts that the ttys of all came from.
sessions() {
  section panes
  ask list-clients -F 'client #{session_id} #{client_pid} #{client_tty}' ';' list-panes -a -F "$panes_format"
  printf '%s\n' "$rows"
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
  ps -u "$(id -u)" -o pid= -o ppid= -o sid= 2>/dev/null
}

find_tmux "$4" || tmux=
scheduled </dev/null | {
  section host
  uname -n
  date +%s
  if [ -n "$tmux" ]; then sessions; else section no-tmux; fi
  cat
  section end
}
