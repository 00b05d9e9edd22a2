# shellcheck shell=sh
# Where logind ends with a login all that it has started (KillUserProcesses), the user's own manager has to start what is to
# stay. That one stays if the user lingers (loginctl(1)); if not, nothing can be done from here.

kills_at_logout() {
  manager='org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager'
  # shellcheck disable=SC2086 # split on purpose
  case $(timeout 2 busctl get-property $manager KillUserProcesses 2>/dev/null </dev/null) in
  'b true') kills=yes ;;
  'b false') kills=no ;;
  *) kills=$(sed -n 's/^[[:space:]]*KillUserProcesses=//p' /etc/systemd/logind.conf /etc/systemd/logind.conf.d/*.conf 2>/dev/null | tail -n 1) ;;
  esac
  case $kills in
  yes | true | 1 | on) ;;
  *) return 1 ;;
  esac
}

lingers() {
  [ "$(timeout 2 loginctl show-user "$(id -un)" -p Linger 2>/dev/null </dev/null)" = Linger=yes ]
}

# Sets $lasting to the words before a command that is to stay, mostly none.
find_lasting() {
  lasting=
  if have systemd-run && kills_at_logout && lingers; then
    lasting='systemd-run --quiet --user --scope'
    # shellcheck disable=SC2086 # split on purpose
    timeout 2 $lasting true >/dev/null 2>&1 </dev/null || lasting=
  fi
}
