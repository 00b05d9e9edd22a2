# shellcheck shell=sh
# The attach line: has-session, else create, then attach on this tty; its exit code says what happened (tmux.py).
# Arguments: NAME  create|existing|refuse  keep|detach (other clients)  node|login  COMMAND  PROGRAM  TOKEN  TMUX
name=$1 may_create=$2 others=$3 kind=$4 command=$5 program=$6 token=$7

find_tmux "$8" || exit 103
fit_term

# Is it a program here, or a function or an alias of the login shell, which will read the request?
knows() {
  need "$1" slurm || "${SHELL:-/bin/sh}" -c "type $1" >/dev/null 2>&1 || "${SHELL:-/bin/sh}" -c "which $1" >/dev/null 2>&1
}

# In the foreground, so that the request starts in a window of the right size: srun stumbles over an early resize.
create() {
  set -- new-session -s "$name"
  if [ -n "$command" ]; then set -- "$@" "$command"; fi
  set -- "$@" ';' set-option @lnode_kind "$kind" ';' set-option @lnode_token "$token"
  { said=$("$tmux" -u "$@" 2>&1 >&3 3>&-); } 3>&1
  left=$?
  session_with '#{@lnode_token}' "$token"
}

attach() {
  set -- attach-session -t "$id"
  if [ "$others" = detach ]; then set -- "$@" -d; fi
  "$tmux" -u "$@"
  left=$?
}

session_with '#{session_name}' "$name"
if [ -z "$id" ]; then
  case $may_create in
  existing) exit 102 ;;
  refuse) exit 105 ;;
  esac
  if [ -n "$program" ]; then knows "$program" || exit 104; fi
  create
  if [ "$left" -ne 0 ] && [ -z "$id" ]; then
    # Somebody else was faster, which is as good; or a server that was just ending has ended by now.
    session_with '#{session_name}' "$name"
    if [ -n "$id" ]; then attach; else create; fi
  fi
  if [ "$left" -ne 0 ] && [ -z "$id" ]; then
    printf '%s\n' "$said" >&2
    exit 106
  fi
else
  attach
fi

# tmux says 0 for detached and for ended: only the session itself can tell (TRAPS 18).
if [ -z "$id" ] || ! "$tmux" -u has-session -t "$id" 2>/dev/null; then exit 101; fi
if [ "$left" -ne 0 ]; then exit 107; fi
exit 100
