# shellcheck shell=sh
# Run COMMAND, words for a sh, in the folder CWD: on this login node, or in a step of its own inside the allocation JOB. Both outputs are
# those of the command behind the line `NONCE begun`; the standard error ends with `NONCE left CODE`.
# values: nonce cwd command job
# parts: tmux server scheduler

left() {
  printf '\n%s left %s\n' "$nonce" "$1" >&2
  exit 0
}

printf '\n%s begun\n' "$nonce" >&2
if ! enter "$cwd" 2>/dev/null; then left no-folder; fi
eval "set -- $command"
if [ -n "$job" ]; then
  find_step "$job" </dev/null >/dev/null 2>&1 || left no-step
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $step "$@"
elif ! have "$1"; then
  take_login_path >/dev/null 2>&1
  have "$1" || left no-program
fi
"$@" </dev/null
left $?
