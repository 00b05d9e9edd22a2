# shellcheck shell=sh
# The pane that a person would see: the active one of a session's current window. Sourced text, not a program.

# find_pane FORMAT VALUE PANE: the session of which FORMAT is exactly VALUE, and its active pane where PANE is empty. $name is what it is called.
find_pane() {
  hop "$name"
  if [ -z "$label" ]; then # a session that is not there may be on another login node; one in a job is there from each
    section host
    uname -n
  fi
  find_tmux || leave no-tmux
  everywhere session_with "$1" "$2" || cannot_ask
  if [ -z "$id" ] && [ -n "$label" ] && read_note "$LNODE_JOB"; then # it may have another name by now
    session_with '#{session_id}' "$its_id" || cannot_ask
  fi
  [ -n "$id" ] || leave no-session
  pane=$3
  look || unseen no-session
}

# unseen SECTION: why a look at the pane has failed: the pane has closed, and its session goes on; or that is gone, which SECTION says; or tmux
# refuses. A server that is just ending says neither, and is asked once more.
unseen() {
  if [ -n "$looked" ]; then leave closed; fi
  if is_gone "$rows"; then leave "$1"; fi
  said=$rows
  if session_with '#{session_id}' "$id" && [ -z "$id" ]; then leave "$1"; fi
  rows=$said
  refused
}

# look: sets what tmux knows of $pane now, and $bell where a window of the session has rung. False where it is gone.
# shellcheck disable=SC2034 # some are for the scripts that follow
look() {
  facts='#{window_active}#{pane_active},#{pane_id},#{pane_in_mode},#{pane_dead},#{alternate_on},#{history_size}'
  facts=$facts,'#{history_limit},#{cursor_y},#{pane_tty},#{session_created},#{history_bytes},#{pane_synchronized},#{window_flags}#{@lnode_bell}'
  looked=
  ask list-panes -s -t "$id" -F "$facts" || return 1
  looked=yes bell='' found=''
  set -f
  IFS='
'
  for row in $rows; do
    case $row in *,*!*) bell=yes ;; esac
    case $pane,$row in
    ,11,* | %*,[01][01],"$pane",*) found=$row ;;
    esac
  done
  IFS=,
  # shellcheck disable=SC2086 # split on purpose
  set -- $found
  unset IFS
  set +f
  [ -n "$2" ] || return 1
  pane=$2 in_mode=${3:-0} dead=${4:-0} alternate=${5:-0} history=${6:-0} limit=${7:-0} cursor=${8:-0} tty=$9
  shift 9
  created=$1 history_bytes=$2 synchronized=${3:-0}
}

# Copy mode and its like take the keys, and hide what the program shows.
leave_modes() {
  for _ in 1 2 3 4; do
    if [ "$in_mode" = 0 ]; then return; fi
    section left-mode
    ask copy-mode -q -t "$pane" || ask send-keys -t "$pane" -X cancel || ask send-keys -t "$pane" q
    look || unseen no-session
  done
  leave in-mode
}

# type_in WORDS: each is `t` and a text in base64, to be typed as it is, or `k` and the name of a key. The lines of a text are one paste,
# in brackets if the program has asked for them.
type_in() {
  if [ "$dead" != 0 ]; then leave dead; fi
  if [ "$synchronized" != 0 ]; then leave synchronized; fi # keys would go to every pane of the window
  leave_modes
  set -f
  # shellcheck disable=SC2086 # split on purpose
  set -- $1
  set +f
  only=$# longest=0
  while [ $# -gt 0 ]; do
    case $#$1 in
    "$only"kEnter) ;;
    1kEnter) let_settle ;;
    esac
    case $1 in
    t*) longest=${#1} && paste "${1#t}" ;;
    *) ask send-keys -t "$pane" "${1#k}" ;;
    esac || refused
    shift
  done
  section typed
}

# let_settle: some programs take an Enter that follows a burst of characters for a line of what is pasted, and submit nothing: Codex
# does so for 120 ms (PASTE_ENTER_SUPPRESS_WINDOW in its paste_burst.rs). So the last Enter comes later, the more so behind a long text.
let_settle() {
  if [ "$longest" -gt 2000 ]; then sleep 1; else nap 0.4; fi
}

# paste TEXT: the text is in base64. It goes to tmux by standard input and a buffer of its own, because ps shows the arguments of
# every program to all users (echo is none). Before tmux 2.0 buffers have numbers: there the newest is pasted.
paste() {
  paste_from "$1" -b "$nonce" && return
  case $rows in
  *'buffer invalid'*) paste_from "$1" ;;
  *)
    said=$rows
    ask delete-buffer -b "$nonce"
    rows=$said
    return 1
    ;;
  esac
}

# paste_from TEXT [-b BUFFER]: sets $rows as ask does, whatever the shell does with the variables of a pipeline.
paste_from() {
  text=$1
  shift
  rows=$(echo "$text" | base64 -d | {
    ask load-buffer "$@" - ';' paste-buffer -d -p "$@" -t "$pane" || ! printf '%s\n' "$rows"
  })
}

# show ARGUMENT...: the pane's rows, each behind a bar, as empty ones count here.
show() {
  ask capture-pane -p -t "$pane" "$@" || refused
  printf '%s\n' "$rows" | sed 's/^/|/'
}

refused() {
  leave refused "$rows"
}

# Whether the session is there is not known.
cannot_ask() {
  unasked
  section end
  exit 0
}
