# shellcheck shell=sh
# The attach line: has-session, else create, then attach on this tty; its exit code says what happened (tmux.py). MODE is create, existing,
# refuse, again, there, anew or here. `again` is a reconnect, which nobody asked for: it knows the session by RUN and only by it, creates nothing
# and takes nothing from anybody. `there` and `anew` are `existing` and `create` for whoever has asked the other login nodes, `here` is `create`
# for whoever does not want to know of them. OTHERS is keep or detach (other clients), KIND node or login, LOOK draw or control (tmux's protocol
# for iTerm2). NODE is where the laptop thinks the session is, "" for anywhere; CWD is that of a new session.
# Exit codes, of this and of its parts: 96 unstored, 100 detached, 101 ended, 102 no session, 103 no tmux, 104 no program, 105 name refused,
# 106 not created, 107 not attached, 108 taken over, 109 rebooted, 110 server gone, 111 other node, 112 elsewhere, 113 socket gone, 114 no folder,
# 115 cannot ask, 116 job refused, 117 orphaned, 118 job silent, 119 job ended, 124 no batch, 125 job kept.
# values: name mode others kind command program run laptop laptop_name away_s node tmux_path look cwd
# parts: tmux server scheduler own nodes requests lasting job_notes in_job queue bring_back attach_in_job

lasting=
patience_s=8 tells=yes
fit_term

# What an attach leaves on the session: the mark of its client (see find_run), and the lease of the laptop that asked.
now=$(date +%s)
here=$SSH_TTY
# shellcheck disable=SC3013 # where test(1) has no -ef, tty(1) says it
if ! [ "$here" -ef /dev/stdin ] 2>/dev/null; then here=$(tty); fi
here="$here $$ $now"
lease=$laptop,$now,$laptop_name,${others%"${others#?}"}

# There is no such program, but perhaps a scheduler.
no_program() {
  find_scheduler
  for one in $schedulers; do
    if [ "$scheduler" = "${one%:*}" ]; then exit "${one#*:}"; fi
  done
  exit 104
}

# on_tty ARGUMENT...: tmux on this terminal, as a child of this very shell. Sets $left to its exit status and $said to
# what it complained of. The terminal keeps its title (XTWINOPS), as only newer terminfos have it do.
on_tty() {
  if [ "$look" = control ]; then set -- -CC "$@"; else printf '\033[22;0t'; fi
  # shellcheck disable=SC2086 # split on purpose
  { said=$(exec $lasting "$tmux" ${label:+-L "$label"} -u "$@" 2>&1 >&3 3>&-); } 3>&1
  left=$? awake=
  if [ -n "$label" ]; then rm -f "$in_jobs/$LNODE_JOB.$run"; fi
  if [ "$look" != control ]; then printf '\033[23;0t'; fi
}

# Was there no such session when tmux wanted to attach to it, or one already when it was to be created? Then it is looked for once
# more. It is as good if another attach was faster, and a server that is just ending takes no new session.
was_missed() {
  case $said in
  *"duplicate session"*) ;;
  *) is_gone "$said" || { [ -z "$was" ] && is_ending "$said"; } ;;
  esac
}

# attach TARGET: marked in the same breath, so that the session is known again even if it gets another name meanwhile.
attach() {
  if [ -n "$label" ]; then echo attached >"$in_jobs/$LNODE_JOB.$run"; fi
  set -- -t "$1" ';' set-option -t "$1:" "@lnode_run_$run" "$here" ';' set-option -t "$1:" @lnode_owner "$lease"
  if [ "$others" = detach ]; then set -- -d "$@"; fi
  on_tty attach-session "$@"
}

# One path to the ssh agent for all shells of a session of lnode's, as each attach brings another one, which goes with its
# connection: a link beside tmux's socket. `new` makes it, otherwise one that is there follows.
keep_agent() {
  case $label$name in *[!A-Za-z0-9_-]*) return ;; esac
  if [ -n "$label" ]; then return; fi
  [ -S "$SSH_AUTH_SOCK" ] || return 0
  own_socket
  folder=${socket%/*} link=${socket%/*}/agent-$name
  if [ "$SSH_AUTH_SOCK" = "$link" ]; then return; fi
  if [ "$1" = new ]; then (umask 077 && mkdir "$folder" 2>/dev/null); elif [ ! -L "$link" ]; then return; fi
  if [ -n "$(find "$folder" -prune -type d -user "$me" 2>/dev/null)" ] && ln -sf "$SSH_AUTH_SOCK" "$link" 2>/dev/null; then
    SSH_AUTH_SOCK=$link
    export SSH_AUTH_SOCK
  fi
}

# In the foreground, so that the request starts in a window of the right size: srun stumbles over an early resize.
create() {
  keep_agent new
  if [ -n "$none" ]; then find_lasting; fi # else the server that is there has the session
  set -- new-session -s "$name"
  if [ -n "$command" ]; then set -- "$@" "$command"; fi
  # shellcheck disable=SC2086 # split on purpose
  set -- "$@" ';' set-option @lnode_kind "$kind" $keeps
  on_tty "$@" ';' set-option "@lnode_run_$run" "$here" ';' set-option @lnode_owner "$lease"
}

# The session that carries this run's mark, once more: the mark is renewed first, so that the ghost (this run's own dead
# client) finds it changed when it is detached, and leaves it alone.
attach_again() {
  away=yes
  [ -n "$id" ] || everywhere find_run "$run" || cannot_ask
  was=$id from=$born
  if [ -z "$id" ] && [ -n "$label" ] && [ -e "$in_jobs/$LNODE_JOB.$run" ]; then return; fi # it has only waited so far
  if [ -z "$id" ]; then gone; fi
  if [ "$mark" = detached ]; then
    leave_screen
    exit 100
  fi
  read_lease
  if [ "$holder" != "$laptop" ]; then taken_over "$holder_name" "$held_since"; fi
  set -- set-option -t "$id:" "@lnode_run_$run" "$here"
  if is_attached || { see_clients && is_orphaned; }; then
    ask "$@" ';' detach-client -t "${mark%% *}"
  else
    stop_for_stranger "${mark##* }"
  fi
  drain
  away=
  on_tty attach-session -t "$id" ';' "$@"
  conclude
  gone
}

# see_clients: sets $present to the clients, then $options anew: whichever of lnode's came just now is marked by then.
see_clients() {
  present=$(clients)
  if ask show-options -t "$id:"; then options=$rows; fi
}

# is_orphaned: has the client of $mark outlived its shell? A connection that is cut hangs up both, and the shell may go first. A client
# that came with the mark is still its own, unless it carries the mark of another window: one that comes back in the same second may be
# given the ghost's terminal.
is_orphaned() {
  printf '%s\n' "$present" | {
    # shellcheck disable=SC2086 # split on purpose: tty, pid, epoch
    set -- $mark
    if kill -s 0 "$2" 2>/dev/null; then exit 1; fi
    while read -r tty parent created; do
      came_s=$((created - $3))
      if [ "$tty" = "$1" ] && [ "$came_s" -ge 0 ] && [ "$came_s" -le 30 ]; then
        case $options in *"$tty $parent "*) exit 1 ;; *) exit 0 ;; esac
      fi
    done
    exit 1
  }
}

# What was typed into the outage is not for the shell.
drain() {
  modes=$(stty -g 2>/dev/null) || return
  stty -icanon -echo min 0 time 0
  dd bs=4096 count=64 >/dev/null 2>&1
  stty "$modes"
}

# The laptop shows the last screen of the session all the while: back to what was below it, before a word is said there.
leave_screen() {
  if [ -n "$away" ]; then printf '\033[?1049l'; fi
}

# is_readable: can the home be read? A login without a Kerberos ticket reads none on AFS or NFS, and then nothing is known of jobs.
is_readable() {
  said=$(LC_ALL=C ls -d "$HOME/.local/state/." 2>&1 >/dev/null)
  case $said in '' | *'No such file'*) ;; *) return 1 ;; esac
}

# No session carries the mark: why? Unknown is not gone, nor is what is on another login node.
gone() {
  find_run "$run" || cannot_ask
  if [ -n "$id" ]; then fail 107; fi
  why=102
  if [ -n "$none" ]; then why=110; fi
  leave_screen
  if [ -n "$label" ]; then exit 102; fi
  [ -z "$node" ] || is_same_node "$node" || exit 111
  find_up_s
  if [ "${up_s:-$away_s}" -lt "$away_s" ]; then why=109; fi
  if find_orphan "$name" && [ -n "$orphan" ]; then exit 117; fi
  if [ -n "$held" ]; then exit 113; fi
  is_readable || fail 115
  exit "$why"
}

# After tmux: detached, or ended? It says 0 for both (client.c), only the session itself can tell. It has ended only if it was
# attached (tmux leaves 1 and no complaint under a client whose server has ended) and tmux answers that it is there no longer.
# Returns if it is to be looked for again. What failed otherwise ends here too: whatever was there is never started a second time.
# $was and $from are the session that was to be attached, or nothing if it was to be created.
conclude() {
  if [ "$left" -ne 0 ] && was_missed; then return; fi
  find_run "$run" || cannot_ask
  if [ -n "$id" ] && [ "$left" -eq 0 ]; then detached; fi
  if [ -z "$id" ] && [ -n "$was" ]; then
    session_with '#{session_id}' "$was" || cannot_ask
    if [ "$born" != "$from" ]; then id=; fi
  elif [ -z "$id" ]; then
    session_with '#{session_name}' "$name" || cannot_ask
  fi
  if [ -n "$id" ]; then fail 107; fi
  if [ "$left" -gt 1 ] || { [ "$left" -eq 1 ] && [ -n "$said" ]; }; then
    if [ -n "$was" ]; then cannot_ask; fi
    said=${said:-tmux ended with exit code $left}
    fail 106
  fi
  if has_lost_socket; then exit 113; fi
  if [ -z "$label" ] && find_orphan "$name" && [ -n "$orphan" ]; then exit 117; fi
  exit 101
}

# Does the server live that had the session, though to tmux there is none? One that ends has a moment for it.
has_lost_socket() {
  [ -n "$none" ] || return
  server=${from#*,}
  [ -n "$server" ] || return
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    case $(ps -o stat= -p "$server" 2>/dev/null) in '' | Z*) return 1 ;; esac
    nap 0.2
  done
}

# By whom? By an attach of the same run, which has renewed the mark; by somebody who took the session over; or by the
# user: then the mark goes, and one option for all runs keeps the last that left so, whose laptop may never hear of it.
detached() {
  [ "$mark" = "$here" ] || exit 100
  read_lease
  if [ "$holder" != "$laptop" ] && [ "$held_how" = d ] && [ "$held_since" -ge "$now" ]; then
    taken_over "$holder_name" "$held_since"
  fi
  see_clients
  stop_for_stranger $(($(date +%s) - 3)) # whoever detaches the others has come just now
  set -- set-option -u -t "$id:" "@lnode_run_$run" ';' set-option -t "$id:" @lnode_left "$run"
  rows=$options
  option @lnode_title
  if [ -n "$value" ] && [ -z "$present" ]; then # what it says is true only as long as somebody sees to it
    for it in @lnode_title set-titles set-titles-string; do set -- "$@" ';' set-option -u -t "$id:" "$it"; done
  fi
  ask "$@"
  exit 100
}

# Sets $holder (a LAPTOP), $held_since, $holder_name and $held_how from the session's lease; without one it is ours.
read_lease() {
  rows=$options
  set -f
  IFS=,
  option @lnode_owner
  # shellcheck disable=SC2086 # split on purpose
  set -- $value
  unset IFS
  set +f
  holder=${1:-$laptop} held_how=$4
  held_since=$(printf %s "$2" | tr -cd 0-9 | cut -c 1-12)
  held_since=${held_since:-0}
  holder_name=$(printf %s "$3" | tr -cd A-Za-z0-9._- | cut -c 1-40)
}

# stop_for_stranger EPOCH: has a client of $present come later than that which no lnode brought? What those of lnode mean the lease
# says; of others nobody knows whether they came with -d, and they are given way to. A child of init is the ghost of some connection.
stop_for_stranger() {
  # shellcheck disable=SC2046 # split on purpose: tty, pid, epoch
  set -- $(printf '%s\n' "$present" | while read -r tty parent created; do
    case $options in
    # The sh of macOS, bash 3.2, ends the substitution at a pattern without its first bracket.
    (*"$tty $parent "*) ;;
    (*) if [ "${created:-0}" -gt "$1" ] && [ "$parent" != 1 ]; then echo "$tty" "$created"; fi ;;
    esac
  done)
  if [ $# -gt 0 ]; then taken_over "a client on $1" "$2"; fi
}

# taken_over BY EPOCH
taken_over() {
  leave_screen
  at=$(date -d "@$2" +%H:%M 2>/dev/null || date -r "$2" +%H:%M 2>/dev/null)
  printf '%s was taken over by %s%s\n' "$name" "$1" "${at:+ at $at}"
  exit 108
}

# fail CODE: with tmux's own words, of which a terminal need not be afraid.
fail() {
  leave_screen
  printf '%s\n' "$said" | tr -d '\000-\010\013-\037\177' | head -n 5 | cut -c 1-300 >&2
  exit "$1"
}

# tmux gives no answer that proves anything: nothing is created, and nothing is said to have ended.
cannot_ask() {
  if [ -n "$lost" ]; then
    leave_screen
    exit 113
  fi
  said=${said:-$rows}
  fail 115
}

# Is all there that a new session needs, and is it on no other login node? What it is called is noted before it is started: whoever
# lands elsewhere meanwhile shall look here. In $rows stands what there is.
prepare() {
  case $mode in
  there | anew | here) ;;
  *) if is_elsewhere "$name" "$node"; then exit 112; fi ;;
  esac
  orphan='' held=''
  case $mode,$name in
  *,*[!A-Za-z0-9_-]*) ;;
  anew,*) find_orphan "$name" anywhere || exit 118 ;;
  *) find_orphan "$name" || exit 118 ;;
  esac
  if [ -n "$held" ]; then exit 113; fi
  case ${orphan:+back}$mode in
  existing | there) exit 102 ;;
  refuse) exit 105 ;;
  back*) bring_back ;;
  *) if have start_in_job; then start_in_job; fi; if [ -n "$program" ]; then knows "$program" || no_program; fi ;;
  esac
  if ! enter "$cwd" 2>/dev/null || { [ -z "$cwd" ] && [ ! -r . ]; }; then exit 114; fi
  case $mode in anew | here) forget "$name" ;; esac
  if [ -n "$command$orphan" ] && make_own_folder requests && [ -z "$orphan" ]; then forget_requests "$name"; fi
  note_sessions "$(printf '%s\n' "$rows" "\$0 $name" | sed -n 's/^\$[0-9]* //p')"
}

# has_run: does the tmux of this login node have the session of this run? A job of that name may have ended long ago.
has_run() {
  [ -z "$node" ] || is_same_node "$node" || return
  find_tmux && everywhere find_run "$run" && [ -n "$id" ]
}

id='' said='' was='' from='' prepared='' away='' job='' restores=${restores-}
if [ "$mode" = again ]; then away=yes; fi
if [ -n "$label" ] || [ -z "$away" ] || ! has_run; then hop "$name"; fi
if [ -z "$id" ] && ! find_tmux; then
  if have start_in_job && [ "$mode" != again ]; then prepare; fi
  exit 103
fi
keep_agent
if [ "$mode" = again ]; then attach_again; fi

for _ in 1 2 3; do
  everywhere session_with '#{session_name}' "$name" || cannot_ask
  if [ -z "$id" ] && [ -n "$label" ]; then find_in_job; fi
  was=$id from=$born
  if [ -n "$id" ]; then
    attach "$id"
  else
    [ -n "$prepared" ] || prepare
    prepared=yes
    create
  fi
  conclude
done
fail 106
