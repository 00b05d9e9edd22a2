# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
lsf_program=bjobs lsf_module='' lsf_places='' lsf_variables=LSF
lsf_requesters='bsub nios' lsf_relays='bsub nios' lsf_steps='' lsf_daemon='' lsf_gives_up='' lsf_cancels=bkill

# `number`, the process or its parent, and the job that bsub told its nios of.
lsf_evidence() {
  case $3 in *nios*) ;; *) return ;; esac
  { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null |
    sed -n "s/^LSB_JOBID=\([0-9]*\)\$/number $1 \1@number $2 \1/p" | tr '@' '\n'
}

# It says "No unfinished job found" on standard error.
lsf_jobs() {
  TZ=UTC0 LC_ALL=C timeout 8 bjobs -u "$1" -noheader \
    -o "jobid stat from_host submit_time time_left exec_host job_name delimiter='|'"
}

# It fails if there is no job.
lsf_probe() {
  timeout -k 1 4 bjobs -u "$1" >/dev/null 2>&1 </dev/null
  return 0
}

lsf_queues() {
  rows=$(LC_ALL=C timeout -k 1 8 bqueues -w -u "$(id -un)" 2>/dev/null </dev/null) || return
  printf '%s\n' "$rows" | awk 'NR > 1 && $3 ~ /^Open/ { print $1, "-", "-", "-", 0, "-" }'
}
