# shellcheck shell=sh
# --doctor: facts about this host and this user's place on it, a line each. Changes nothing; each probe has some seconds.
# values: nonce tmux_path command term
# parts: section tmux server scheduler own lasting push until_it_ends

# fact NAME VALUE: one line, of which a terminal need not be afraid.
fact() {
  printf '%s %s\n' "$1" "$(printf '%s' "$2" | tr '\000-\037' ' ' | cut -c 1-300)"
}

limited() {
  timeout -k 1 "$@" 2>/dev/null </dev/null
}

# What the login shell prints where nobody reads. bash reads its rc file below sshd only, and only at level one.
ask_noise() {
  noise=$(
    unset SHLVL
    until_it_ends limited 4 "$SHELL" -c : | head -c 200
  )
  if [ -n "$noise" ]; then fact noise "$noise"; fi
}

# What a login shell has set; csh says an error for a variable that is not there, and has no TMOUT.
ask_login_shell() {
  case ${SHELL##*/} in
  csh | tcsh | bsd-csh | fish) words='echo lnode-done:' ;;
  *) words="echo lnode-done:\$TMOUT" ;;
  esac
  begun=$(date +%s)
  answer=$(printf '%s\n' "$words" | until_it_ends timeout -k 1 5 "$SHELL" -l | sed -n 's/^lnode-done://p' | tail -n 1 | sed 's/^/./')
  fact login_s $(($(date +%s) - begun))
  case $answer in
  '') fact login_unfinished yes ;;
  .) ;;
  .0) ;;
  *) fact tmout "${answer#.}" ;;
  esac
}

# The line of an rc file that starts another program also where the login shell has a command: bash reads its rc file below sshd
# then, too, as fish and csh do everywhere. A guard that asks for an interactive shell covers what follows it.
ask_rc_program() {
  case ${SHELL##*/} in
  bash) rc=.bashrc ;;
  zsh) rc=.zshenv ;;
  fish) rc=.config/fish/config.fish ;;
  *csh) if [ -e "$HOME/.tcshrc" ]; then rc=.tcshrc; else rc=.cshrc; fi ;;
  *) return ;;
  esac
  line=$(limited 3 awk '
    /^[ \t]*#/ { next }
    /[$]-|PS1|BASH_EXECUTION_STRING|SSH_ORIGINAL_COMMAND|(-o |is-)interactive|[?]prompt/ { exit }
    /exec[ \t]+(-[a-z]+[ \t]+)*([^ \t;&|]*\/)?((ba|z|fi|k|c|tc)sh|tmux|screen|zellij|newgrp|sg)([ \t;&|)]|$)/ ||
    /(^|[;&|({]|then)[ \t]*(tmux[ \t]+(a|at|new)[a-z-]*|newgrp|screen|zellij)([ \t;&|)]|$)/ { print; exit }
    ' "$HOME/$rc" | sed 's/^[[:space:]]*//')
  if [ -n "$line" ]; then fact rc_program "$rc: $line"; fi
}

# What logind ends, unless the user lingers.
ask_endings() {
  ask_logind
  if [ -z "$kills$idle" ] || lingers; then return; fi
  if [ -n "$kills" ]; then fact kill_user_processes yes; fi
  if [ -n "$idle" ]; then fact stop_idle "$idle"; fi
}

# Sessions whose shells keep the path of an agent that is gone.
ask_agents() {
  if ! ask list-panes -a -F '#{pane_pid} #{session_name}'; then return; fi
  dead=$(
    printf '%s\n' "$rows" | while read -r pid name; do
      agent=$(tr '\000' '\n' <"/proc/$pid/environ" | sed -n 's/^SSH_AUTH_SOCK=//p')
      if [ -n "$agent" ] && ! [ -S "$agent" ] && ! [ -L "$agent" ]; then echo "$name"; fi
    done 2>/dev/null | sort -u | tr '\n' ' '
  )
  if [ -n "$dead" ]; then fact agent_dead "${dead% }"; fi
}

# absent NAME VALUE: a fact, unless the login shell has not come to its end, which may know where it is.
absent() {
  if [ -n "$login_late" ]; then fact login_unfinished yes; else fact "$@"; fi
}

ask_home() {
  if ! limited 3 ls "$HOME/." >/dev/null; then
    fact home_closed "$HOME"
    return
  fi
  if [ -n "$KRB5CCNAME" ] && have klist && ! limited 3 klist -s; then fact ticket_ended yes; fi
  if ! [ -w "$HOME" ]; then fact home_readonly "$HOME"; fi
  fact home_free_kb "$(limited 3 df -Pk "$HOME" | awk 'NR == 2 { print $4 }')"
  fact home_free_files "$(limited 3 df -Pi "$HOME" | awk 'NR == 2 && $2 > 0 { print $4 }')"
  path=$(distrusted | head -n 1 | cut -d ' ' -f 2-)
  if [ -L "$HOME/$path" ]; then fact state_link "$path"; else fact state_distrusted "$path"; fi
  if have quota && limited 3 quota -q | grep -q '[0-9]\*'; then fact over_quota yes; fi
}

ask_scheduler() {
  if ! find_scheduler; then
    absent no_scheduler yes
    return
  fi
  asked=$(of program)
  insist "${scheduler}_probe" "$(id -un)" || fact scheduler_silent "$asked"
  if [ -n "$insisted" ]; then fact scheduler_by_login "$asked"; fi
  if have "${scheduler}_can_submit" && "${scheduler}_can_submit"; then fact batch yes; fi
  if "${scheduler}_node"; then fact_of_node; fi
}

# How often has this login node restarted in 60 days, as far as its own log tells (wtmp)?
ask_restarts() {
  restarts=$(limited 3 last -x -s -60days reboot | grep -c '^reboot')
  if [ "${restarts:-0}" -gt 0 ]; then fact restarts "$restarts"; fi
}

# Can more go to the node of a job? ssh is tried only where the scheduler has no way.
fact_of_node() {
  fact overlap "$overlap"
  if [ "$overlap" = no ] && ! limited 5 ssh -o BatchMode=yes -o ConnectTimeout=3 -- "$node" true; then fact node_refused "$node"; fi
}

SHELL=${SHELL:-/bin/sh}
section host
uname -n
section facts
fact now "$(date +%s)"
fact max_sessions "$(sed -n 's/^[[:space:]]*[Mm][Aa][Xx][Ss][Ee][Ss][Ss][Ii][Oo][Nn][Ss][[:space:]=]*//p' /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config 2>/dev/null | head -n 1)"
ask_endings
ask_restarts
ask_noise
ask_rc_program
ask_login_shell
case $term in
'' | *[!A-Za-z0-9+._-]*) ;;
*) if have infocmp && ! infocmp "$term" >/dev/null 2>&1; then fact term_unknown "$term"; fi ;;
esac
if have locale && locales=$(locale -a 2>/dev/null); then
  case $locales in
  *[Uu][Tt][Ff]*8*) ;;
  *) fact utf8 none ;;
  esac
fi
# shellcheck disable=SC3045 # dash, bash, ksh and busybox have it
limit=$(ulimit -t 2>/dev/null)
case $limit in
'' | *[!0-9]*) ;;
*) fact cpu_limit_s "$limit" ;;
esac
if find_tmux; then
  fact tmux_version "$("$tmux" -V 2>&1)"
  if lost_server; then
    fact tmux_lost "$lost"
  elif ! list list-sessions -F '#{session_id}'; then
    fact tmux_refuses "$rows"
  elif [ -z "$none" ]; then
    ask_agents
    if ask show-options -g; then
      option prefix && fact their_prefix "$value"
      option destroy-unattached && fact destroy_unattached "$value"
    fi
    ask show-options -s && option exit-unattached && fact exit_unattached "$value"
  fi
else
  absent tmux_missing yes
fi
ask_home
ask_scheduler
find_poster || fact no_poster yes
if [ -n "$command" ] && ! knows "$command"; then absent command_missing "$command"; fi
section end
