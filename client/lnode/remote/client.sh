# shellcheck shell=sh
# Is this run's client here? With `refresh` tmux draws it anew, over what the laptop has written there. The reply is framed
# as in list.sh: `here` and this node's name if so, `end` in any case.
# Arguments: NONCE  RUN  look|refresh  TMUX
nonce=$1

if find_tmux "$4" && find_run "$2" && [ -n "$id" ] && is_attached; then
  if [ "$3" = refresh ]; then ask refresh-client -t "${mark%% *}"; fi
  printf '\n%s here\n' "$nonce"
  uname -n
fi
printf '\n%s end\n' "$nonce"
