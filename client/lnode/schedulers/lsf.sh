# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
lsf_program=bjobs lsf_module='' lsf_places='' lsf_variables=LSF
lsf_requesters='bsub nios' lsf_relays='bsub nios' lsf_steps='' lsf_daemon='' lsf_gives_up='' lsf_cancels=bkill

# `number`, the process or its parent, and the job that bsub told its nios of; 0 if that waits for a batch job (BSUB_BLOCK, bsub -K).
lsf_evidence() {
  case $3 in *nios*) ;; *) return ;; esac
  { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | awk -F= -v its="$1" -v parents="$2" '
    $1 == "LSB_JOBID" && $2 ~ /^[0-9]+$/ { job = $2 }
    $1 == "BSUB_BLOCK" && $2 != "" { waits = 1 }
    END {
      if (waits) job = 0
      if (job != "") print "number " its " " job "\nnumber " parents " " job
    }'
}

# lsf_ask SECONDS bjobs WORD...: what it says. It fails if you have no job, and tells that on standard error.
lsf_ask() {
  { said=$(TZ=UTC0 LC_ALL=C timeout -k 1 "$@" 2>&1 >&3 3>&-); } 3>&1 </dev/null && return
  set -- $?
  case $said in *'No unfinished job found'*) return 0 ;; esac
  return "$1"
}

lsf_jobs() {
  lsf_ask 8 bjobs -u "$1" -noheader \
    -o "jobid stat from_host submit_time time_left exec_host job_name delimiter='|'"
}

lsf_probe() {
  lsf_ask 4 bjobs -u "$1" >/dev/null
}

lsf_queues() {
  rows=$(LC_ALL=C timeout -k 1 8 bqueues -w -u "$(id -un)" 2>/dev/null </dev/null) || return
  printf '%s\n' "$rows" | awk 'NR > 1 && $3 ~ /^Open/ { print $1, "-", "-", "-", 0, "-" }'
}
