# shellcheck shell=sh
# A process that was started without protection: what it is and what holds it (rescue.py), then one line is waited for, `take`:
# reptyr brings it into a session NAME. Anything else changes nothing.
# values: nonce tmux_path pid name
# parts: section tmux server scheduler own nodes lasting

fact() {
  printf '%s %s\n' "$1" "$2"
}

tty_of() {
  ps -o tty= -p "$1" 2>/dev/null | tr -d ' '
}

# What is above it, a line each: the process group, the program.
ancestors() {
  ps -A -o pid= -o ppid= -o pgid= -o comm= | awk -v at="$pid" '
    { parent[$1] = $2; group[$1] = $3; sub(/^-/, "", $4); program[$1] = $4 }
    END { while ((at = parent[at]) > 1 && n++ < 1000) print group[at], program[at] }
  '
}

# The shell that gave it a process group of its own: the one at which its job was typed.
shell_of_its_job() {
  comm=$(printf '%s\n' "$above" | awk -v g="$group" '$1 != g { print $2; exit }')
  case $comm in bash | zsh | fish | tcsh | csh | bsd-csh | ksh | mksh | dash | ash | sh) printf '%s\n' "$comm" ;; esac
}

# Does systemd end it with the login that has started it?
ends_at_logout() {
  grep -qs '/session-[^/]*\.scope' "/proc/$pid/cgroup" || return
  ask_logind
  [ -n "$kills" ]
}

# Is one of them above it?
is_below() {
  printf '%s\n' "$above" | awk -v names=" $* " 'index(names, " " $2 " ") { found = 1 } END { exit !found }'
}

# The last word is `yes` or nothing.
facts() {
  : "${me:=$(id -u)}"
  uid=$(ps -o uid= -p "$pid" 2>/dev/null | tr -d ' ')
  fact uid "$uid"
  [ -n "$uid" ] || return
  if [ "$uid" = "$me" ]; then fact mine yes; fi
  fact command "$( (cat "/proc/$pid/cmdline" 2>/dev/null || ps -o args= -p "$pid" | tr '\n ' '\0\0') | head -c 4000 | base64 | tr -d '\n')"
  tty=$(tty_of "$pid" | tr -d '?')
  fact tty "$tty"
  fact state "$(ps -o stat= -p "$pid" | tr -d ' ')"
  group=$(ps -o pgid= -p "$pid" | tr -d ' ')
  fact job "$group"
  fact others "$(ps -u "$me" -o pgid= -o pid= | awk -v g="$group" -v p="$pid" '$1 == g && $2 != p' | wc -l | tr -d ' ')"
  case $(sed -n 's/^SigIgn:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null) in *[13579bdf]) fact immune yes ;; esac
  if ends_at_logout; then fact at_logout yes; fi
  above=$(ancestors)
  fact shell "$(shell_of_its_job)"
  within=$(tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^TMUX_PANE=\(%[0-9]*\)$/\1/p' | head -n 1)
  if [ -n "$within" ] && [ -n "$tmux" ] && ask list-panes -a -F '#{pane_id} #{pane_tty} #{session_name}'; then
    at=/dev/$tty
    for daemon in $(every daemon); do if is_below "$daemon"; then at='[^ ]*'; fi; done # where the login node computes too, srun has given it another one
    fact session "$(printf '%s\n' "$rows" | sed -n "s|^$within $at ||p" | head -n 1)"
  fi
  if is_below screen SCREEN; then fact screen yes; fi
  case $tty$(readlink "/proc/$pid/fd/1" 2>/dev/null) in
    pipe:* | socket:*) if is_below sshd sshd-session; then fact piped yes; fi ;;
  esac
  if [ -n "$tmux" ]; then fact tmux yes; fi
  PATH=$PATH:/usr/local/bin:/usr/bin:$HOME/bin:$HOME/.local/bin
  if have reptyr; then fact reptyr yes; fi
  scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null)
  if [ "${scope:-0}" = 0 ] || [ "$me" = 0 ]; then fact permitted yes; fi
  session_with '#{session_name}' "$name"
  if [ -n "$id" ]; then fact taken yes; fi
}

find_tmux || tmux=
section host
uname -n
section facts
facts
section end

IFS= read -r word || exit 0
awake=
[ "$word" = take ] || exit 0
before=$(tty_of "$pid")
# Whatever shell tmux hands it to; a shell stays when it ends.
ask list-sessions || find_lasting
# shellcheck disable=SC2086 # split on purpose
said=$($lasting "$tmux" -u new-session -d -s "$name" "exec /bin/sh -c 'reptyr $pid; exec \"\${SHELL:-/bin/sh}\"'" $keeps 2>&1) || leave failed "$said"
session_with '#{session_name}' "$name"

# Not for a time that is up: who is at work with it is not to be stopped in the middle.
at_work() {
  ps -u "$me" -o args= | awk -v p="$pid" '$1 ~ /reptyr$/ && $2 == p { at = 1 } END { exit !at }'
}

tries=150
while [ "$(tty_of "$pid")" = "$before" ] && [ "$tries" -gt 0 ]; do
  tries=$((tries - 1))
  nap 0.2
  if [ "$tries" -lt 140 ] && ! at_work; then break; fi
done
now=$(tty_of "$pid")
if [ -n "$now" ] && [ "$now" != "$before" ]; then
  section taken
  ask list-sessions -F '#{session_name}' && note_sessions "$rows"
else
  section failed
  if [ -n "$id" ]; then # to tmux nothing means the last session that you used
    ask capture-pane -p -t "$id:" && printf '%s\n' "$rows" | grep . | head -n 5
    if ! at_work; then ask kill-session -t "$id"; fi
  fi
fi
section end
