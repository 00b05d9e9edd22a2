# shellcheck shell=sh
# First part of every script: find tmux on this host and fit the call to it. Sourced text, not a program.
# Nothing here writes outside this process: PATH, TERM and LC_ALL change for this call only.

unset TMUX TMUX_PANE
label=$LNODE_LABEL # the name of the tmux server, where a session lives in a job (in_job.sh)
unset LNODE_LABEL
# bsd-csh leaves its own copies of the terminal open, which a tmux server would keep for good.
exec 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
PATH=${PATH:-/usr/bin:/bin}
patience_s=7 at_first_s=4 # for a call of tmux, and for the first question
tells='' # is somebody there who reads that it takes its time?
awake='' # has the server answered just now? Whoever has waited for something since sets it to nothing again.
me='' # ${me:=$(id -u)}: this user's number, from the kernel if it tells it (proc(5)), because id(1) takes some milliseconds
{
  while read -r lnode_word _ lnode_number _; do
    if [ "$lnode_word" = Uid: ]; then me=$lnode_number && break; fi
  done </proc/self/status
} 2>/dev/null
lost='' # see server.sh
places='' variables='' unwanted='' # see scheduler.sh
fitted='' # see fit_to

# enter FOLDER: a path in the home, where it begins with neither / nor ~/.
enter() {
  case $1 in
  /*) cd "$1" || return ;;
  \~ | \~/*) cd "$HOME${1#?}" || return ;;
  *) cd "$HOME" && cd "./$1" || return ;;
  esac
}

# nap SECONDS: an old sleep takes no fraction.
nap() {
  sleep "$1" 2>/dev/null || sleep 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# take_login_path [LINE]: PATH, LD_LIBRARY_PATH and what schedulers need ($variables, scheduler.sh) but for $unwanted, as they are there after
# LINE. False if no scheduler's variable is new.
take_login_path() {
  in_login_shell 10 'env' "$1" || return
  news=
  set -f
  IFS='
'
  for row in $(printf '%s\n' "$said" | sed -nE "/^(PATH|LD_LIBRARY_PATH|(LNODE$variables)_[A-Z0-9_]*)=/p"); do
    case " $unwanted " in *" ${row%%=*} "*) continue ;; esac
    case $row in
    PATH=*) row=$row:$PATH ;;
    LD_LIBRARY_PATH=*) ;;
    *) eval "[ \"\$${row%%=*}\" = \"\${row#*=}\" ]" || news=yes ;;
    esac
    export "${row?}"
  done
  unset IFS
  set +f
  [ -n "$news" ]
}

# need PROGRAM MODULE: is PROGRAM there? Looks on PATH, in usual places, through a login shell, through a module.
need() {
  have "$1" && return
  PATH=$PATH:/usr/local/bin:/usr/bin:/bin:$HOME/bin:$HOME/.local/bin$places
  export PATH
  have "$1" && return
  take_login_path "module load $2"
  have "$1"
}

# find_tmux: sets $tmux to the one at $tmux_path, or else to the path of the first that is found. False without a tmux.
find_tmux() {
  tmux=${tmux_path:-tmux} fitted=''
  need "$tmux" tmux || return
  case $tmux in */*) return ;; esac
  set -f
  IFS=:
  for folder in $PATH; do
    case $folder in /*) if [ -f "$folder/$tmux" ] && [ -x "$folder/$tmux" ]; then tmux=$folder/$tmux && break; fi ;; esac
  done
  unset IFS
  set +f
}

# A terminal unknown to this host becomes a plain xterm: tmux refuses an unknown TERM (xterm-ghostty, xterm-kitty).
fit_term() {
  case $TERM in
  xterm | xterm-256color | screen | screen-256color | linux | vt100) return ;;
  '') ;;
  *) if ! have infocmp || infocmp "$TERM" >/dev/null 2>&1; then return; fi ;;
  esac
  TERM=xterm-256color
  export TERM
}

# ask ARGUMENT...: sets $rows to tmux's answer. A tmux from 2.2 on ends without a UTF-8 locale; then this finds one.
ask() {
  answer "$@" && return
  case $rows in
  *UTF-8* | *LC_ALL*) ;;
  *) return 1 ;;
  esac
  for locale in C.UTF-8 en_US.UTF-8 C.utf8 en_US.utf8; do
    if LC_ALL=$locale "$tmux" -V >/dev/null 2>&1; then
      LC_ALL=$locale
      export LC_ALL
      answer "$@"
      return
    fi
  done
  return 1
}

# answer ARGUMENT...: one call of tmux. The first has some seconds: a login node may be busy. A server that is stopped (SIGSTOP)
# would never answer, and it keeps the standard output that a client has sent it: so the end of the call is a line, and not the end
# of that output. That costs four processes, which a server that has just answered need not cost.
answer() {
  limit_s=${at_first_s:-$patience_s}
  if [ -z "$awake" ] && have timeout; then
    rows=$(
      {
        timeout -k 1 "$limit_s" "$tmux" ${label:+-L "$label"} -u "$@" 2>&1
        printf '\nlnode-left-%s\n' $?
      } 2>/dev/null | sed '/^lnode-left-[0-9]*$/q'
    )
    set -- "${rows##*lnode-left-}"
    rows=${rows%lnode-left-*}
    while [ "${rows%
}" != "$rows" ]; do
      rows=${rows%
}
    done
  else
    rows=$("$tmux" ${label:+-L "$label"} -u "$@" 2>&1)
    set -- $?
  fi
  case $1 in
  0) awake=yes && return ;;
  124 | 137) rows="tmux did not answer within $limit_s seconds" ;;
  esac
  rows=${rows:-tmux ended with exit code $1}
  return 1
}

# The rows of list-sessions that lnode reads (tmux_answers.py): a session, its server, and what tmux.conf decides about it.
# shellcheck disable=SC2034 # of list.sh and glance.sh
options_format='options #{session_id} s#{pid} x#{exit-unattached} d#{destroy-unattached} p#{prefix}'

# list ARGUMENT...: ask for rows that have the ids of sessions. There are three answers: true with $rows; true without rows, and
# $none is yes, if there is no session; false if tmux cannot be asked, and its words are in $rows. Nothing may be created,
# deleted or ended on the third. If no server listens here, one that has lost its socket is asked, then another of yours (server.sh).
list() {
  list_here "$@" || return
  if [ -z "$none" ]; then return; fi
  if find_server; then
    if [ -n "$lost" ]; then
      none='' rows="the tmux server (process $lost) has lost its socket $socket"
      return 1
    fi
    list_here "$@" || return
    if [ -z "$none" ]; then return; fi
  fi
  first=$TMUX_TMPDIR
  for folder in $(elsewhere); do
    move_to "$folder"
    list_here "$@" || return
    if [ -z "$none" ]; then return; fi
    move_to "$first"
  done
}

# shellcheck disable=SC2034 # $none is for the scripts that follow
list_here() {
  none=
  for _ in 1 2 3 4 5; do
    if ask "$@" || has_none "$rows"; then
      case $rows in *\$[0-9]*) at_first_s='' && return ;; esac
      # A server may be there without a session, and has options then; a program in tmux's place has none.
      if ask show-options -g && option prefix && [ -n "$value" ]; then none=yes; fi
    fi
    if [ -n "$none" ] || is_no_server "$rows"; then
      none=yes rows=
      return
    fi
    cure || break
  done
  rows=${rows:-tmux answered nothing}
  return 1
}

# cure: true if the question that has failed may be put again: by the program of the server, to a server that took its time, or to one
# that was just ending. The kernel tells a stopped server from a slow one.
cure() {
  case $at_first_s,$rows in [0-9]*,'tmux did not answer'*) is_late=yes ;; *) is_late= ;; esac
  at_first_s=
  own_socket
  if find_listener "$socket"; then
    if is_stopped "$server"; then
      rows="the tmux server (process $server) is stopped; let it go on: kill -CONT $server"
      return 1
    fi
    if use_program_of "$server"; then return; fi
  fi
  if [ -n "$is_late" ]; then
    if [ -n "$tells" ]; then printf '\r%s\033[K\n' "lnode: tmux${server:+ (process $server)} does not answer so far, waiting $patience_s s more"; fi
    return
  fi
  is_ending "$rows" || return
  nap 0.2
}

# is_no_server WORDS: does tmux say that nothing listens on its socket? These are all its words for that, from 1.8 on. Some old
# ones do not say why they failed to connect: then the kernel is asked.
is_no_server() {
  errors='(No such file or directory|Connection refused)'
  printf '%s\n' "$1" | grep -qE "^(no server running on |error connecting to .* \\($errors\\)\$|failed to connect to server: $errors\$)" && return
  printf '%s\n' "$1" | grep -qx 'failed to connect to server' || return
  own_socket
  [ ! -S "$socket" ] || { [ -r /proc/net/unix ] && ! grep -qF " $socket" /proc/net/unix; }
}

# has_none WORDS: does tmux say that it has no session at all?
has_none() {
  printf '%s\n' "$1" | grep -qE '^no (sessions|current (target|session|client))'
}

# is_ending WORDS: was the server ending just then? The next question finds none.
is_ending() {
  printf '%s\n' "$1" | grep -qE '^(server exited|lost server)'
}

# is_gone WORDS: does tmux say that there is no such session, window or pane, or no server?
is_gone() {
  printf '%s\n' "$1" | grep -qE "^(can't find (session|window|pane)|session not found|no such session|no sessions)" || is_no_server "$1"
}

# Options of each session that lnode creates, whatever ~/.tmux.conf sets for all: a session outlives its clients, and its end is an end
# and no jump to another session.
keeps='; set-option destroy-unattached off ; set-option detach-on-destroy on'

# fit_program: what follows may need the program of the server, though the question did not: its pid is in $rows.
fit_program() {
  fit_to "${rows#*,}"
}

# fit_to PID...: the same for the server whose pid that text begins with.
fit_to() {
  server=${1%%[!0-9]*}
  if [ -n "$server" ] && [ "$server" != "$fitted" ]; then use_program_of "$server"; fi
  fitted=$server
}

# session_with FORMAT VALUE: sets $id to tmux's own $-id of the session of which FORMAT is exactly VALUE, or to nothing, $born to
# what no later session of that id has (its second, its server's pid), and $rows to `ID VALUE` of each session. False if tmux cannot
# be asked. Ids are exact in every tmux since 1.8, but `-t NAME` may hit a session of which NAME is only the beginning (tmux(1)).
# shellcheck disable=SC2034 # $id and $born are for the scripts that follow
session_with() {
  id='' born='' listed=''
  list list-sessions -F "#{session_id} #{session_created},#{pid} $1" || return
  fit_program
  set -f
  IFS='
'
  for row in $rows; do
    case $row in
    \$*' '*' '*) ;;
    *) continue ;;
    esac
    value=${row#* * }
    if [ "$value" = "$2" ]; then
      id=${row%% *} born=${row#* }
      born=${born%% *}
    fi
    listed="$listed${listed:+$IFS}${row%% *} $value"
  done
  unset IFS
  set +f
  rows=$listed
}

# find_run RUN: sets $id to the session that carries the mark of this run, $born as session_with, $options to what is set on that
# session, and $mark to the mark: `TTY PID EPOCH` of the run's client (PID is its parent's), or `detached`. False if tmux cannot be
# asked. Options are read one session at a time: the formats of tmux 1.8 and 1.9 do not know them.
# shellcheck disable=SC2034 # $options and $born are for session.sh
find_run() {
  id='' born='' mark='' options=''
  list list-sessions -F '#{session_id} #{session_created},#{pid}' || return
  fit_program
  set -f
  # shellcheck disable=SC2086 # split on purpose: pairs
  set -- "$1" $rows
  set +f
  run_id=$1
  shift
  while [ $# -gt 1 ]; do
    case $1 in
    \$*)
      if ! ask show-options -t "$1:"; then
        is_gone "$rows" || return
        rows=
      fi
      option "@lnode_run_$run_id"
      mark=$value
      option @lnode_left
      if [ -z "$mark" ] && [ "$value" = "$run_id" ]; then mark=detached; fi
      if [ -n "$mark" ]; then
        id=$1 born=$2 options=$rows
        return
      fi
      ;;
    esac
    shift
  done
}

# option NAME: sets $value to that option's in what show-options has just said, which only some versions quote.
option() {
  value="
$rows"
  case $value in
  *"
$1 "*) ;;
  *) value= && return ;;
  esac
  value=${value#*"
$1 "}
  value=${value%%"
"*}
  value=${value#\"}
  value=${value%\"}
}

# folder_of PANE: sets $pane_folder to that of its program, or to nothing. It is asked for alone: its name may be another user's, and a newline in
# that would begin a row of its own.
# shellcheck disable=SC2034 # for the scripts that follow
folder_of() {
  pane_folder=''
  ask display-message -p -t "$1" '#{pane_current_path}' || return
  case $rows in
  *'
'*) ;;
  *) pane_folder=$rows ;;
  esac
}

# plain TEXT: that in which tmux is to see no format.
plain() {
  printf '%s\n' "$1" | sed 's/#/##/g'
}

# clients: a row for each client of session $id, in the shape of a mark: its tty, the pid of its parent, when it came.
clients() {
  ask list-clients -t "$id" -F '#{client_tty} #{client_created} #{client_pid}' || return
  printf '%s\n' "$rows" | while read -r tty created client; do
    case $tty in
    /*) parent=$(parent_of "$tty" "$client") ;;
    *) continue ;;
    esac
    if [ -n "$parent" ]; then printf '%s %s %s\n' "$tty" "$parent" "$created"; fi
  done
}

# parent_of TTY PID: the parent of the tmux client there. Before tmux 2.1 PID is empty, and it is looked for on the tty: among
# this user's, for a container has ttys of the same number.
parent_of() {
  if [ -n "$2" ]; then
    ps -o ppid= -p "$2" 2>/dev/null
  else
    ps -o ppid= -o uid= -o comm= -t "$1" 2>/dev/null | sed -n "s/  *$(id -u) [^ ]*tmux.*//p"
  fi | tr -d ' '
}

# is_attached: is the client of $mark still there? A tty alone proves nothing, it is used again.
is_attached() {
  clients | grep -q "^${mark% *} "
}
