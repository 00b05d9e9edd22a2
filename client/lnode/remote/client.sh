# shellcheck shell=sh
# Is this run's client here? With `refresh` tmux draws it anew, over what the laptop has written there. With `free` its connection is ended: it is
# the ghost of one that the laptop has lost, and its sshd still holds the ports of a RemoteForward. The reply is framed as in list.sh: `here`,
# this node's name, tmux's $-id of the session, its second and its server's pid if so, `end` in any case. Otherwise `login` says what the
# terminal's login shell does, which logged in $age_s seconds ago.
# values: nonce run what tmux_path age_s
# parts: section tmux server own job_notes login

# end_connection PID: end the sshd from which PID came, and wait until its ports are free. The first one above is that of the
# connection; with OpenSSH 9.8 its name changed.
end_connection() {
  set -- "$1" ''
  while [ "${1:-0}" -gt 1 ]; do
    # shellcheck disable=SC2046 # split on purpose: its parent, its name
    set -- "$1" $(ps -o ppid= -o comm= -p "$1" 2>/dev/null)
    case ${3##*/} in
    sshd*) break ;;
    esac
    set -- "$2"
  done
  { [ "${1:-0}" -gt 1 ] && kill -s TERM "$1" 2>/dev/null; } || return
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -s 0 "$1" 2>/dev/null || return
    nap 0.1
  done
}

# in_its_job: the same for an attach whose session is in a job. Its client is on the node, its connection ends here. With `refresh` this is
# redraw.sh, which can go to the node.
in_its_job() {
  case $what in
  look)
    section here
    printf '%s\n' - "$its_id" "$its_born"
    ;;
  refresh)
    node=''
    go
    ;;
  free) end_connection "$step_pid" ;;
  esac
  section end
  exit 0
}

# waits: is there a job for which this attach waits?
waits() {
  for file in "$in_jobs"/*."$run"; do [ ! -e "$file" ] || return 0; done
  return 1
}

if [ -z "$label" ] && find_job_of "$run"; then in_its_job; fi
if [ -z "$label" ] && [ "$what" = look ] && waits && [ "$(login_shell "$run" "$age_s")" = begun ]; then
  section waits
elif find_tmux && everywhere find_run "$run" && [ -n "$id" ] && is_attached; then
  case $what in
  refresh) ask refresh-client -t "${mark%% *}" ;;
  free)
    mark=${mark% *}
    end_connection "${mark##* }"
    ;;
  esac
  section here
  uname -n
  printf '%s\n' "$id" "$born"
elif [ "$what" = look ]; then
  section login
  login_shell "$run" "$age_s"
fi
section end
