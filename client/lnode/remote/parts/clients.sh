# shellcheck shell=sh
# Part of the list where the scheduler is not Slurm (schedulers/): what holds interactive jobs here, and one question of
# the user's own jobs.

# The clients first. Where none waits in a pane, no interactive job is held from here, and the scheduler is not asked.
ask_for_clients() {
  section scheduler
  printf '%s\n' "$scheduler"
  section clients
  held=$(clients_of "$scheduler")
  [ -n "$held" ] || return 0
  printf '%s\n' "$held"
  section evidence
  printf '%s\n' "$held" | while read -r _ pid parent _ _ command; do
    case $scheduler,$command in
    sge,*) ports_of "$pid" ;;
    lsf,*nios*) number_of "$pid" "$parent" ;;
    esac
  done
  section jobs-of-clients
  "ask_$scheduler" "${USER:-$(id -un)}" || section scheduler-silent
}

# clients_of SCHEDULER: `client` and the pid, parent, session id, age and words of what holds the user's interactive jobs.
clients_of() {
  case $1 in
  pbs) names='^qsub$' ;;
  lsf) names='^(bsub|nios)$' ;;
  sge) names='^(qrsh|qlogin|qsh)$' ;;
  esac
  ps -u "$(id -u)" -o pid= -o ppid= -o sid= -o etime= -o comm= -o args= | awk -v names="$names" '
    $5 ~ names { $5 = ""; print "client", $0 }'
}

# ports_of PID: `port`, the process and each of its local TCP ports, in hexadecimal. By /proc, because not every host has ss.
ports_of() {
  # shellcheck disable=SC2012 # names of links to sockets
  ls -l "/proc/$1/fd" 2>/dev/null | awk -v pid="$1" '
    match($0, /socket:\[[0-9]+\]/) { mine[substr($0, RSTART + 8, RLENGTH - 9)] = 1; next }
    $10 in mine { n = split($2, at, ":"); print "port", pid, at[n] }' - /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# number_of PID PARENT: `number`, the process or its parent, and the job that bsub told its nios of.
number_of() {
  { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null |
    sed -n "s/^LSB_JOBID=\([0-9]*\)\$/number $1 \1@number $2 \1/p" | tr '@' '\n'
}

# -f does not go with -u, so the user's numbers come first; without a number qstat would tell everybody's jobs. A job that
# ended in between is no silence.
ask_pbs() {
  numbers=$(timeout 8 qselect -u "$1") || return
  [ -n "$numbers" ] || return 0
  # shellcheck disable=SC2086 # split on purpose: job numbers
  said=$(TZ=UTC0 LC_ALL=C timeout 8 qstat -f $numbers)
  left=$?
  printf '%s\n' "$said"
  [ "$left" -eq 0 ] || [ -n "$said" ]
}

# It says "No unfinished job found" on standard error.
ask_lsf() {
  TZ=UTC0 LC_ALL=C timeout 8 bjobs -u "$1" -noheader \
    -o "jobid stat from_host submit_time time_left exec_host job_name delimiter='|'"
}

# States and places by user, then where each of these was asked for, by its number.
ask_sge() {
  said=$(TZ=UTC0 LC_ALL=C timeout 8 qstat -u "$1" -xml) || return
  printf '%s\n' "$said"
  numbers=$(printf '%s\n' "$said" | sed -n 's/.*<JB_job_number>\([0-9]*\)<.*/\1/p' | sort -u | paste -s -d , -)
  [ -n "$numbers" ] || return 0
  TZ=UTC0 LC_ALL=C timeout 8 qstat -j "$numbers"
}
