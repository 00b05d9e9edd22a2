# shellcheck shell=sh
# Part of the list where the scheduler does not keep who asked (schedulers/clients.py): what holds interactive jobs here, and
# one question of the user's own jobs.

# The clients first. Where none waits in a pane, no interactive job is held from here, and the scheduler is not asked.
ask_for_clients() {
  section clients
  held=$(ps -u "$me" -o pid= -o ppid= -o sid= -o etime= -o comm= -o args= | awk -v names=" $(of requesters) " '
    index(names, " " $5 " ") { $5 = ""; print "client", $0 }')
  [ -n "$held" ] || return 0
  printf '%s\n' "$held"
  section evidence
  printf '%s\n' "$held" | while read -r _ pid parent _ _ argv; do
    "${scheduler}_evidence" "$pid" "$parent" "$argv"
  done
  section jobs-of-clients
  insist "${scheduler}_jobs" "${USER:-$(id -un)}" || section scheduler-silent
}
