# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
htcondor_program=condor_q htcondor_module='' htcondor_places='' htcondor_variables=CONDOR
htcondor_requesters='condor_submit condor_ssh_to_j' htcondor_relays=condor_ssh_to_j htcondor_steps='' htcondor_daemon='' htcondor_gives_up=''
htcondor_cancels=condor_rm

# `number`, the process and its job: condor_submit becomes a condor_ssh_to_job that removes the job at its own end. ps cuts its name.
htcondor_evidence() {
  printf '%s\n' "$3" | sed -n "s/.* -remove-on-interrupt .* \([0-9]*[.][0-9]*\)\$/number $1 \1/p"
}

# It prints nothing if there is no job.
htcondor_jobs() {
  timeout 8 condor_q "$1" -constraint InteractiveJob -json \
    -attributes ClusterId,ProcId,JobStatus,QDate,JobCurrentStartDate,AllowedJobDuration,RemoteHost,HoldReason,LastRejMatchReason,JobBatchName
}

htcondor_probe() {
  timeout -k 1 4 condor_q "$1" -totals >/dev/null 2>&1 </dev/null
}
