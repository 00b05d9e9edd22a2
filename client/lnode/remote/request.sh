# shellcheck shell=sh
# The first process of a pane that asks for an allocation: the request is made in the environment of the user's prompt, and by the
# login shell, whose functions and aliases it may use. The process stays the same: jobs are known by its number. COMMAND is the
# pane's own (tmux.py). SESSION is the session that the pane is of.
# values: session command
# parts: prompt

# take_login_env: all that a prompt has. Other scripts take no more than they need: they have variables of their own.
take_login_env() {
  in_login_shell 60 'unset PWD OLDPWD SHLVL TERM TMUX TMUX_PANE COLUMNS LINES; export -p' || return
  if ! (eval "$said") >/dev/null 2>&1; then return 1; fi
  set -- "$PATH" # the session was asked for with that
  eval "$said"
  PATH=$PATH:$1
}

# Who asks, for the time after a crash (parts/requests.sh). The folder was made by the script that has started this one.
note=$HOME/.local/state/lnode/requests/$(uname -n).$$
if [ -d "${note%/*}" ]; then (umask 077 && echo "$(date +%s) - $session" >"$note" && chmod 600 "$note") 2>/dev/null; fi
set -- "$command" # a prompt may have a variable of that name
trap : INT # that is for the request
take_login_env
trap - INT
set -- "$1" "${1%% *}" "${SHELL:-/bin/sh}"
case $2 in
'' | *[!A-Za-z0-9_.-]*) ;;
*) # a function that only the files of a login name
  if ! command -v "$2" >/dev/null 2>&1 && ! "$3" -c "type $2" >/dev/null 2>&1 </dev/null && "$3" -l -c "type $2" >/dev/null 2>&1 </dev/null; then
    exec "$3" -l -c "$1"
  fi
  ;;
esac
exec "$3" -c "$1"
