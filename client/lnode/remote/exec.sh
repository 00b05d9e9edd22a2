# shellcheck shell=sh
# Run COMMAND, words for a sh, in the folder CWD: on this login node, or in a step of its own inside the allocation JOB. Both outputs are
# those of the command behind the line `NONCE begun`; the standard error ends with `NONCE left CODE`. Nothing is run before a line has come: the
# laptop may have left this connection for another one, where the same is run.
# values: nonce cwd command job
# parts: tmux server scheduler

left() {
  printf '\n%s left %s\n' "$nonce" "$1" >&2
  exit 0
}

# is_program WORD: not a word of this shell, nor a function of this script.
is_program() {
  case $1 in */*)
    [ -x "$1" ] && ! [ -d "$1" ]
    return
    ;;
  esac
  set -f
  IFS=:
  found=
  for folder in $PATH; do
    if [ -z "$found" ] && [ -f "${folder:-.}/$1" ] && [ -x "${folder:-.}/$1" ]; then found=yes; fi
  done
  unset IFS
  set +f
  [ -n "$found" ]
}

IFS= read -r _ || exit 0
printf '\n%s begun\n' "$nonce" >&2
if ! enter "$cwd" 2>/dev/null; then left no-folder; fi
eval "set -- $command"
if [ -n "$job" ]; then
  find_step "$job" </dev/null >/dev/null 2>&1 || left no-step
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $step "$@"
elif ! is_program "$1"; then
  take_login_path >/dev/null 2>&1
  is_program "$1" || left no-program
fi
(exec "$@" </dev/null)
left $?
