# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
sge_program=qconf sge_module='' sge_places='' sge_variables=SGE
sge_requesters='qrsh qlogin qsh' sge_relays='qrsh qlogin qsh' sge_steps='' sge_daemon='' sge_gives_up='' sge_cancels=qdel

# `port`, the process and each of its local TCP ports, in hexadecimal. By /proc, because not every host has ss.
sge_evidence() {
  # shellcheck disable=SC2012 # names of links to sockets
  ls -l "/proc/$1/fd" 2>/dev/null | awk -v pid="$1" '
    match($0, /socket:\[[0-9]+\]/) { mine[substr($0, RSTART + 8, RLENGTH - 9)] = 1; next }
    $10 in mine { n = split($2, at, ":"); print "port", pid, at[n] }' - /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# States and places by user, then where each of these was asked for, by its number.
# A job that ended in between is no silence.
sge_jobs() {
  said=$(TZ=UTC0 LC_ALL=C timeout 8 qstat -u "$1" -xml) || return
  printf '%s\n' "$said"
  numbers=$(printf '%s\n' "$said" | sed -n 's/.*<JB_job_number>\([0-9]*\)<.*/\1/p' | sort -u | paste -s -d , -)
  [ -n "$numbers" ] || return 0
  said=$(TZ=UTC0 LC_ALL=C timeout 8 qstat -j "$numbers")
  left=$?
  printf '%s\n' "$said"
  case $left in 124 | 137) return "$left" ;; esac # a part of the answer names not all jobs
  [ "$left" -eq 0 ] || [ -n "$said" ]
}

sge_probe() {
  asked='qstat'
  timeout -k 1 4 qstat -u "$1" >/dev/null 2>&1 </dev/null
}

sge_queues() {
  rows=$(timeout -k 1 8 qconf -sql 2>/dev/null </dev/null) || return
  printf '%s\n' "$rows" | awk '{ print $1, "-", "-", "-", 0, "-" }'
}
