# shellcheck shell=sh
# Is this run's client here? With `refresh` tmux draws it anew, over what the laptop has written there. The reply is framed
# as in list.sh: `here`, this node's name and tmux's $-id of the session if so, `end` in any case. Otherwise `login` says what
# the terminal's login shell does, which logged in $age_s seconds ago.
# values: nonce run what tmux_path age_s
# parts: section tmux server login

if find_tmux && everywhere find_run "$run" && [ -n "$id" ] && is_attached; then
  if [ "$what" = refresh ]; then ask refresh-client -t "${mark%% *}"; fi
  section here
  uname -n
  printf '%s\n' "$id"
elif [ "$what" = look ]; then
  section login
  login_shell "$run" "$age_s"
fi
section end
