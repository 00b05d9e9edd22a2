# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
oar_program=oarstat oar_module='' oar_places='' oar_variables=OAR oar_hides=yes
oar_requesters=oarsub oar_relays=oarsub oar_steps='' oar_daemon='' oar_gives_up='' oar_cancels=oardel

# `number`, the process and its job, which the ssh below an oarsub sets in the job's shell; `pane` by the name of the job (oar.py).
oar_evidence() {
  ps -ww -o args= --ppid "$1" 2>/dev/null | sed -n "s/.*export OAR_JOBID=\([0-9]*\);.*/number $1 \1/p"
  printf '%s\n' "$3" | sed -n "s/.* lnode\(%[0-9]*\)\( .*\)\{0,1\}\$/pane $1 \1/p"
}

# oar_ask SECONDS USER: the interactive jobs alone, because each job costs OAR's database ten queries (-f).
oar_ask() {
  case $2 in *[!A-Za-z0-9_.@-]*) return 1 ;; esac
  TZ=UTC0 LC_ALL=C within "$1" oarstat -f --sql "job_user = '$2' AND job_type = 'INTERACTIVE' AND state IN ('Waiting',
'Hold', 'toAckReservation', 'toLaunch', 'Launching', 'Running', 'Suspended', 'Resuming', 'Finishing')"
}

oar_jobs() {
  oar_ask 8 "$1"
}

oar_probe() {
  oar_ask 4 "$1" >/dev/null 2>&1 </dev/null
}
