# shellcheck shell=sh
# Where logind ends all that a login has started, at its logout (KillUserProcesses) or once it is idle (StopIdleSessionSec: also a tmux
# server that was started there), the user's own manager has to start what is to stay. That one stays if the user lingers
# (loginctl(1)); if not, nothing can be done from here.

# ask_logind: sets $kills to yes if a logout ends all, and $idle to the time after which an idle login is ended; else to nothing.
ask_logind() {
  manager='org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager'
  # shellcheck disable=SC2086 # split on purpose
  said=$(timeout 2 busctl get-property $manager KillUserProcesses StopIdleSessionUSec 2>/dev/null </dev/null)
  case $said in
  'b '*) # the second from systemd 252 on, in microseconds
    kills=${said%%
*}
    case $said in *'t '*) idle=${said##*t } idle=${idle%000000}s ;; *) idle= ;; esac
    ;;
  *) kills=$(in_logind_conf KillUserProcesses) idle=$(in_logind_conf StopIdleSessionSec) ;;
  esac
  case $kills in 'b true' | yes | true | 1 | on) kills=yes ;; *) kills= ;; esac
  case $idle in 18446744073709551615s | infinity | 0 | 0s) idle= ;; esac
}

in_logind_conf() {
  sed -n "s/^[[:space:]]*$1=//p" /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf 2>/dev/null | tail -n 1
}

lingers() {
  [ "$(timeout 2 loginctl show-user "$(id -un)" -p Linger 2>/dev/null </dev/null)" = Linger=yes ]
}

# Sets $lasting to the words before a command that is to stay, mostly none.
find_lasting() {
  lasting=
  if ! have systemd-run; then return; fi
  ask_logind
  if [ -n "$kills$idle" ] && lingers; then
    lasting='systemd-run --quiet --user --scope'
    # shellcheck disable=SC2086 # split on purpose
    timeout 2 $lasting true >/dev/null 2>&1 </dev/null || lasting=
  fi
}
