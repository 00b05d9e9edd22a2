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

# on_tty ARGUMENT...: tmux on this terminal. Sets $left to its exit status and $said to what it complained of.
on_tty() {
  { said=$("$tmux" -u "$@" 2>&1 >&3 3>&-); } 3>&1
  left=$?
}

# Did tmux fail for want of a server or a session? By its own words: a library may complain of something in every call, and
# a server that dies under its client leaves a status and no word.
nothing_there() {
  case $said in
  *"can't find session"* | *"session not found"* | *"no server running"* | *"no sessions"*) ;;
  *"error connecting"* | *"failed to connect"* | *"server exited"* | *UTF-8* | *LC_ALL*) ;;
  *) return 1 ;;
  esac
}

# attach TARGET: the token marks the session, so that it is known again even if it gets another name meanwhile.
attach() {
  set -- attach-session -t "$1" ';' set-option -t "$1:" @lnode_owner "$token"
  if [ "$others" = detach ]; then
    shift
    set -- attach-session -d "$@"
  fi
  on_tty "$@"
}

# In the foreground, so that the request starts in a window of the right size: srun stumbles over an early resize.
create() {
  set -- new-session -s "$name"
  if [ -n "$command" ]; then set -- "$@" "$command"; fi
  on_tty "$@" ';' set-option @lnode_kind "$kind" ';' set-option @lnode_owner "$token"
}

# After tmux: detached, or ended? It says 0 for both, only the session itself can tell (TRAPS 18). What failed for another
# reason than want of a session ends here too: whatever was there is never started a second time.
conclude() {
  if [ "$left" -ne 0 ] && nothing_there; then return; fi
  session_with '#{@lnode_owner}' "$token"
  [ -n "$id" ] || session_with '#{session_name}' "$name" # another client has marked it since
  if [ "$left" -eq 0 ]; then
    if [ -n "$id" ]; then exit 100; else exit 101; fi
  fi
  if [ -n "$id" ]; then fail 107; fi
  if [ -z "$said" ]; then exit 101; fi
  fail "$1"
}

fail() {
  printf '%s\n' "$said" >&2
  exit "$1"
}

# The everyday case first, without a question: `=NAME` is exact since tmux 2.1, and nothing at all before.
case $name in
*[!A-Za-z0-9_-]*) ;;
*)
  attach "=$name"
  conclude 101
  ;;
esac

session_with '#{session_name}' "$name"
if [ -z "$id" ]; then
  case $may_create in
  existing) exit 102 ;;
  refuse) exit 105 ;;
  esac
  if [ -n "$program" ]; then knows "$program" || exit 104; fi
  create
  case $said in
  *"duplicate session"*) ;; # somebody else was faster, which is as good
  *)
    conclude 106
    create # the server was just ending, and has ended by now
    conclude 106
    fail 106
    ;;
  esac
  session_with '#{session_name}' "$name"
fi
attach "$id"
conclude 101
fail 107
