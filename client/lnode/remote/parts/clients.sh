# shellcheck shell=sh
# Part of the list where the scheduler does not keep who asked (schedulers/clients.py): what holds interactive jobs here, and
# one question of the user's own jobs.

# The clients first. Where none waits in a pane, no interactive job is held from here, and the scheduler is not asked.
ask_for_clients() {
  section clients
  if [ -n "$(of hides)" ] && [ ! -r /proc/1/stat ]; then # hidepid: other users' processes cannot be seen
    section scheduler-silent
    return
  fi
  held=$(yours -o uid= -o pid= -o ppid= -o sid= -o etime= -o comm= -o args= | awk -v me="$me" -v names=" $(of requesters) " '
    !index(names, " " $6 " ") { next }
    $1 != me { print $2, $3, $4, $5, $6 } # list.sh has yours alone
    { $1 = $6 = ""; print "client", $0 }')
  [ -n "$held" ] || return 0
  printf '%s\n' "$held"
  section evidence
  printf '%s\n' "$held" | while read -r kind pid parent _ _ argv; do
    if [ "$kind" = client ]; then "${scheduler}_evidence" "$pid" "$parent" "$argv"; fi
  done
  section jobs-of-clients
  insist "${scheduler}_jobs" "${USER:-$(id -un)}" || section scheduler-silent
}
