# shellcheck shell=sh
# Messages for your phone from this host. On standard input: the URL, and a token: `-` for the one that is kept here, nothing for none.
# With RUN the watcher (phone_watch.sh) of this login node sends them from now on, also for the session of that attach; one that does the
# same goes on. Without RUN a message is sent at once, to try it.
# values: nonce tmux_path run alias watcher
# parts: section tmux server own push push_files

# start_watcher: from tmux, so that it lives where tmux lives, whatever a logout ends there.
start_watcher() {
  sum=$(printf '%s' "$watcher" | cksum)
  set -- "$push/watch.$this_node" "${sum%% *}"
  ask show-options -g
  option @lnode_push_watch
  case $value in
  [0-9]*" $2") case $(ps -o args= -p "${value%% *}" 2>/dev/null) in *lnode-push*) return ;; esac ;;
  esac
  write_own "watch.$this_node" "tmux='$tmux' TMUX_TMPDIR='${TMUX_TMPDIR:-/tmp}' sum=$2
export TMUX_TMPDIR
$watcher" || return
  ask run-shell -b "(exec /bin/sh -c 'eval \"\$(cat \"\$HOME/.local/state/lnode/push/watch.$this_node\")\"' lnode-push </dev/null >/dev/null 2>&1 &)"
}

section host
uname -n
section end
IFS= read -r url || exit 0
IFS= read -r token || exit 0
section host
uname -n
said=
keep_push "$alias" "$url" "$token" || leave unwritable "$said"
find_poster || leave no-poster
if [ -z "$run" ]; then
  if push "lnode on $(uname -n) reaches you"; then leave sent; fi
  leave unsent
fi
find_tmux && everywhere find_run "$run" && [ -n "$id" ] || leave no-session
this_node=$(uname -n)
case $this_node in '' | *[!A-Za-z0-9._-]*) leave no-node ;; esac
ask set-option -t "$id:" @lnode_push yes && start_watcher && leave watched
leave unwatched
