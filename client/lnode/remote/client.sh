# shellcheck shell=sh
# Is this run's client here? With `refresh` tmux draws it anew, over what the laptop has written there. The reply is framed
# as in list.sh: `here`, this node's name and tmux's $-id of the session if so, `end` in any case.
# Arguments: NONCE  RUN  look|refresh  TMUX
# parts: tmux
nonce=$1

if find_tmux "$4" && find_run "$2" && [ -n "$id" ] && is_attached; then
  if [ "$3" = refresh ]; then ask refresh-client -t "${mark%% *}"; fi
  printf '\n%s here\n' "$nonce"
  uname -n
  printf '%s\n' "$id"
fi
printf '\n%s end\n' "$nonce"
