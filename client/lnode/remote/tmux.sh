# shellcheck shell=sh
# First part of every script: find tmux on this host and fit the call to it. Sourced text, not a program.
# Nothing here writes outside this process: PATH, TERM and LC_ALL change for this call only.

unset TMUX TMUX_PANE
# bsd-csh leaves its own copies of the terminal open, which a tmux server would keep for good.
exec 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
PATH=${PATH:-/usr/bin:/bin}

have() {
  command -v "$1" >/dev/null 2>&1
}

# Take PATH and LD_LIBRARY_PATH from a login shell, as they are there after the command $1. The commands come on standard input
# and mean the same to sh, csh and fish; rc files may print what they like around the answer.
take_login_path() {
  said=$(
    printf '%s\n' "$1" "exec /bin/sh -c 'echo; echo lnode-path:\$PATH; echo lnode-libs:\$LD_LIBRARY_PATH'" |
      timeout 10 "${SHELL:-/bin/sh}" -l 2>/dev/null
  )
  path=$(printf '%s\n' "$said" | sed -n 's/^lnode-path://p' | tail -n 1)
  libs=$(printf '%s\n' "$said" | sed -n 's/^lnode-libs://p' | tail -n 1)
  if [ -n "$path" ]; then PATH=$path:$PATH; fi
  if [ -n "$libs" ]; then LD_LIBRARY_PATH=$libs; export LD_LIBRARY_PATH; fi
  export PATH
}

# need PROGRAM MODULE: is PROGRAM there? Looks on PATH, in usual places, through a login shell, through a module.
need() {
  have "$1" && return
  PATH=$PATH:/usr/local/bin:/usr/bin:/bin:$HOME/bin:$HOME/.local/bin:/opt/slurm/bin:/usr/local/slurm/bin
  export PATH
  have "$1" && return
  take_login_path "module load $2"
  have "$1"
}

# find_tmux PATH_OR_EMPTY: sets $tmux. False without a tmux.
find_tmux() {
  tmux=${1:-tmux}
  need "$tmux" tmux
}

# A terminal that this host has never heard of becomes a plain xterm (TRAPS 8).
fit_term() {
  case $TERM in
  xterm | xterm-256color | screen | screen-256color | linux | vt100) return ;;
  '') ;;
  *) if ! have infocmp || infocmp "$TERM" >/dev/null 2>&1; then return; fi ;;
  esac
  TERM=xterm-256color
  export TERM
}

# ask ARGUMENT...: sets $rows to what tmux answers. Where it finds no locale that has UTF-8, this finds it one (TRAPS 12).
ask() {
  rows=$("$tmux" -u "$@" 2>&1) && return
  case $rows in
  *UTF-8* | *LC_ALL*) ;;
  *) return 1 ;;
  esac
  for locale in C.UTF-8 en_US.UTF-8 C.utf8 en_US.utf8; do
    if LC_ALL=$locale "$tmux" -V >/dev/null 2>&1; then
      LC_ALL=$locale
      export LC_ALL
      rows=$("$tmux" -u "$@" 2>&1)
      return
    fi
  done
}

# session_with FORMAT VALUE: sets $id to tmux's own $-id of the session of which FORMAT is exactly VALUE, or to nothing. Ids
# are exact in every tmux since 1.8, where `-t NAME` may hit a session of which NAME is only the beginning (TRAPS 11).
# shellcheck disable=SC2034 # $id is for the scripts that follow
session_with() {
  ask list-sessions -F "#{session_id} $1"
  id=
  set -f
  IFS='
'
  for row in $rows; do
    case $row in
    \$*) if [ "${row#* }" = "$2" ]; then id=${row%% *}; fi ;;
    esac
  done
  unset IFS
  set +f
}
