# shellcheck shell=sh
# Is this run's client here? With `refresh` tmux draws it anew, over what the laptop has written there. The reply is framed
# as in list.sh: `here`, this node's name and tmux's $-id of the session if so, `end` in any case.
# values: nonce run what tmux_path
# parts: section tmux

if find_tmux && find_run "$run" && [ -n "$id" ] && is_attached; then
  if [ "$what" = refresh ]; then ask refresh-client -t "${mark%% *}"; fi
  section here
  uname -n
  printf '%s\n' "$id"
fi
section end
