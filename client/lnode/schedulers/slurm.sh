# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
slurm_program=squeue slurm_module=slurm slurm_places=/opt/slurm/bin:/usr/local/slurm/bin slurm_variables=SLURM slurm_chooses=SLURM_CLUSTERS
slurm_requesters='salloc srun' slurm_relays=srun slurm_steps='srun sattach' slurm_daemon=slurmstepd slurm_gives_up='' slurm_cancels=scancel
# What squeue and scancel are narrowed to, for people: a job of yours would be absent here, or would go on.
slurm_narrowed='SQUEUE_ACCOUNT SQUEUE_ARRAY SQUEUE_LICENSES SQUEUE_NAMES SQUEUE_PARTITION SQUEUE_PRIORITY SQUEUE_QOS SQUEUE_STATES SQUEUE_USERS'
unset SCANCEL_ACCOUNT SCANCEL_INTERACTIVE SCANCEL_NAME SCANCEL_PARTITION SCANCEL_QOS SCANCEL_STATE SCANCEL_USER SCANCEL_VERBOSE SCANCEL_WCKEY

# slurm_ask SECONDS WORD...: what squeue answers to these words within that time, with times as epochs; only for $(...), whose variables
# are its own. Your jobs may be in a hidden partition (-a). False also if squeue does not know you, as where a directory of users is down: it
# says so, lists nothing, and ends with 0.
slurm_ask() {
  # shellcheck disable=SC2086 # split on purpose
  unset $slurm_narrowed
  export SLURM_TIME_FORMAT=%s
  within_s=$1
  shift
  { complaint=$(timeout -k 1 "$within_s" squeue -a -h "$@" </dev/null 2>&1 >&3 3>&-); } 3>&1 # `exec` there hangs in ksh93
  set -- $?
  if [ -n "$complaint" ]; then printf '%s\n' "$complaint" >&2; fi
  case $complaint in *nvalid\ user*) return 1 ;; esac
  return "$1"
}

# `- SILENT` if it does not answer. A job that is just ending has no last state yet. A batch job is the request's only if there is no other,
# and not while it goes on: you may have submitted it.
# shellcheck disable=SC2016 # for the pane
slurm_after='if command -v squeue >/dev/null 2>&1; then if rows=$(timeout 8 squeue -a -h -t all -u $(id -un) -O jobid:24,allocsid:24,state:24,batchflag:4 2>&1) && case $rows in (*nvalid?user*) false ;; esac; then echo "$rows" | while read -r id sid state batch; do if [ "$sid" = $$ ]; then case "$batch $state" in ([1-9]*" RUNNING" | [1-9]*" PENDING") ;; (*) echo "${batch:-0} $id $state" ;; esac; fi; done | sort -k 1,1r -k 2,2n | tail -n 1 | cut -d " " -f 2-; else echo - SILENT; fi; fi'

slurm_list() {
  section jobs
  if ! insist slurm_jobs "$1" 2>/dev/null; then
    section scheduler-silent
    return
  fi
  printf '%s\n' "$jobs"
  case $jobs in *ReqNodeNotAvail*)
    section closures
    slurm_closures
    ;;
  esac
  hosts=
  set -f
  IFS='
'
  for row in $jobs; do # with no process more
    unset IFS
    # shellcheck disable=SC2086 # split on purpose
    set -- $row
    if slurm_is_host "$3" "$8"; then hosts="$hosts $8"; fi
  done
  unset IFS
  set +f
  [ -n "$hosts" ] || return 0
  section hosts
  # shellcheck disable=SC2086 # split on purpose: slurm_is_host knows what a host is called
  tell_hosts $hosts
}

# The widths are those of slurm.py.
slurm_jobs() {
  jobs=$(slurm_ask 8 -u "$1" -O \
    jobid:24,allocsid:16,batchflag:4,submittime:24,state:20,timeleft:24,starttime:24,allocnodes:80,nodelist:400,reason:160,name:80)
}

# slurm_is_host BATCHFLAG HOST: is that the name of a host, on which no batch job was requested? An address says nothing. Slurm counts the
# flag of a batch job up each time that it is requeued.
slurm_is_host() {
  case $1,$2 in
  [1-9]*,* | *, | *,[!A-Za-z0-9_]* | *,None | *,[0-9]*.* | *,*[!A-Za-z0-9._-]*) return 1 ;;
  esac
}

slurm_probe() {
  jobs=$(slurm_ask 4 -u "$1" -O State:20,NodeList:80 2>/dev/null)
}

slurm_node() {
  node=$(printf '%s\n' "$jobs" | sed -n 's/^RUNNING  *\([A-Za-z0-9._-]*\) *$/\1/p' | head -n 1)
  if [ -z "$node" ] || ! have srun; then return 1; fi
  help=$(timeout -k 1 2 srun --help 2>/dev/null </dev/null) || return # too slow to know
  overlap=no
  case $help in *--overlap*) overlap=yes ;; esac
}

# A job has no AllocNodes where the name of the login node leads to 127.0.0.1: `-`.
slurm_asked() {
  jobs=$(slurm_ask 8 -u "$1" -O jobid:24,allocsid:16,allocnodes:80,submittime:24,batchflag:4,state:20,timeleft:24,nodelist:400 2>/dev/null) || return
  jobs=$(printf '%s\n' "$jobs" | sed 's/^\(.\{40\}\) \( \{79\}\)/\1-\2/')
}

# The shell is step 0, unless salloc has an interactive step (then it is that, to which sattach does not go), or a script of yours has
# used step 0 for something else: that has another name than the job, for which srun -J names both. sattach shows its last output and goes
# on; several may be attached.
slurm_back() {
  slurm_step "$1" || return
  lives=$unasked number='' first=''
  if printf '%s\n' "$steps" | grep -q "^$1\.[0-9bi]"; then lives=yes; fi
  case $steps in *.interactive\ *) ;; *) first=$(printf '%s\n' "$steps" | sed -n "s/^$1\.0 [^ ]* //p") ;; esac
  if printf '%s\n' "${first#-}" | grep -qx '[a-z]*sh' ||
    { [ -n "$first" ] && [ "$first" = "$(slurm_ask 8 -j "$1" -o %j 2>/dev/null)" ]; }; then
    number=$1.0
  fi
  fresh="$step --pty" same='' its_step=$number
  # shellcheck disable=SC2016 # for the node
  fits='at=$(grep -lzx "SLURM_JOB_ID=JOB" /proc/[0-9]*/environ 2>/dev/null | xargs grep -lzx SLURM_STEP_ID=0 2>/dev/null | head -n 1)
at=${at#/proc/} at=$(ps -o tty= -p "${at%%/*}")
case $at in pts/*) stty -F "/dev/${at%% *}" rows "$1" columns "$2" ;; esac'
  fits=${fits%%JOB\"*}$1\"${fits#*JOB\"}
  if [ -n "$number" ] && have sattach; then same="$(command -v sattach) --pty $number"; fi
  until="while case \$(unset $slurm_narrowed; $(command -v squeue) -a -h -j $1 -o %T 2>&1) in \
*PENDING* | *CONFIGURING* | *REQUEUE* | *RESV_DEL_HOLD* | *SPECIAL_EXIT* | *EXPEDITING* | *POWER_UP_NODE*) ;; *nvalid*) false ;; *rror:*) ;; *) false ;; esac; do sleep 5; done"
  ends="$(command -v scancel) $1"
}

slurm_when() {
  have srun || return
  said=$(SLURM_TIME_FORMAT=%s timeout -k 1 15 srun --test-only "$@" true 2>&1 </dev/null)
  case $? in 124 | 137) return 124 ;; esac
  answer=$(printf '%s\n' "$said" | sed -n 's/^srun: Job [0-9]* to start at \([0-9][0-9]*\) .*/starts \1/p' | head -n 1)
  [ -z "$answer" ] || return 0
  told=$(printf '%s\n' "$said" | grep -E '^([^ ]*: |allocation failure)') # a site may have its say, too
  said=${told:-$said}
  case $said in *'nable to contact'*) return 124 ;; esac
  if slurm_is_lost "$said"; then return 124; fi
  answer=$(printf '%s\n' "$said" | sed -n 's/^srun: error: //; s/^allocation failure: //; $p' | cut -c 1-200)
  case $answer in
  *nvalid* | *'onfiguration is not available'* | *'not available in'*) answer="never $answer" ;;
  *) answer="refuses $answer" ;; # a limit that you have reached, a partition that is closed: no reason for ever
  esac
}

# slurm_is_lost WORDS: do they say that the answer has got lost? A request may have been made then; not where no controller was reached.
slurm_is_lost() {
  case $1 in
  *'timed out'* | *'Zero Bytes'* | *'eceive failure'* | *'end failure'* | *'onnection reset'*) ;;
  *) return 1 ;;
  esac
}

slurm_closures() {
  SLURM_TIME_FORMAT=%s timeout -k 1 8 scontrol -o show reservation 2>/dev/null </dev/null |
    sed -n '/ Flags=[^ ]*MAINT/s/.* StartTime=\([0-9]*\) EndTime=\([0-9]*\) .*/\1 \2/p' | head -n 20
}

slurm_requested_on() {
  insist slurm_requests "$1"
  printf '%s\n' "$jobs" | while read -r batch host; do
    if slurm_is_host "$batch" "$host"; then printf '%s\n' "$host"; fi
  done
}

slurm_requests() {
  jobs=$(slurm_ask 8 -u "$1" -O batchflag:4,allocnodes:80 2>/dev/null)
}

slurm_compute_nodes() {
  IFS=,
  set -- "$*"
  unset IFS
  timeout 8 sinfo -a -h -N -n "$1" -o %N 2>/dev/null </dev/null
}

slurm_cluster() {
  squeue=$(command -v squeue)
  sed -n 's/^[[:space:]]*[Cc]luster[Nn]ame[[:space:]]*=[[:space:]]*\([A-Za-z0-9._-]*\).*/\1/p' \
    "${SLURM_CONF:-/etc/slurm/slurm.conf}" "${squeue%/bin/*}/etc/slurm.conf" "${squeue%/bin/*}/etc/slurm/slurm.conf" \
    /run/slurm/conf/slurm.conf /etc/slurm-llnl/slurm.conf 2>/dev/null
}

slurm_called() {
  timeout -k 1 8 scontrol show config 2>/dev/null </dev/null | sed -n 's/^ClusterName *= *\([A-Za-z0-9._-]*\) *$/\1/p' | head -n 1
}

# With --overlap, because the step would wait for the srun that has the allocation (Slurm FAQ, srun in srun). Before Slurm 20.11
# steps shared without an option. Only from 22.05 on they share GPUs (its RELEASE_NOTES): before, a step that wants none does not
# wait. One that has to wait all the same is given up. Without -u srun passes on whole lines only.
slurm_step() {
  version=
  slurm_words "$1" "$2" || return
  steps='' unasked=''
  insist slurm_steps "$1" || unasked=yes
  node=$(printf '%s\n' "$steps" | slurm_node_of_shell)
  if [ -n "$node" ]; then step="$step -w $node"; fi
  if [ -n "$3" ]; then step="$step --job-name=$3"; fi
}

slurm_words() {
  need srun "$(every module)" || return
  case $version in
  '' | *[!0-9]*)
    version=$(srun --version 2>/dev/null) || return # that of the demo starts no step
    version=$(printf '%s\n' "$version" | sed -n 's/^[^0-9]*\([0-9]*\)\.\([0-9][0-9]\).*/\1\2/p')
    ;;
  esac
  step="$(command -v srun)${2:+ -u} --jobid=$1 --immediate=30 -N1 -n1"
  if [ "${version:-9999}" -ge 2011 ]; then step="$step --overlap"; fi
  if [ "${version:-9999}" -lt 2205 ]; then step="$step --gres=none"; fi
}

slurm_at() {
  version=$4
  slurm_words "$1" || return
  step="$step --job-name=lnode${3:+ --pty}"
  case $2 in -* | '' | *[!A-Za-z0-9._-]*) ;; *) step="$step -w $2" ;; esac
}

# Each of several clusters is asked (SLURM_CLUSTERS), and those that do not know the job complain. No other row begins with a state.
slurm_job() {
  said=$(slurm_ask 8 -u "${USER:-$(id -un)}" -j "$1" -O state:20,starttime:24,reason:80,nodelist:80 2>&1)
  set -- $?
  row=$(printf '%s\n' "$said" | sed -n '/^[A-Z][A-Z_]* /{p;q;}')
  if [ -z "$row" ] && [ "$1" -ne 0 ]; then
    case $said in *'nable to contact'* | *'timed out'* | *onnection*) return "$1" ;; esac
    case $said in *'nvalid job id'*) ;; *) return "$1" ;; esac
  fi
  set -f
  # shellcheck disable=SC2086 # split on purpose
  set -- $row
  set +f
  case $1 in
  REVOKED) return 1 ;; # it may run on another cluster of a federation
  '' | COMPLET* | CANCELLED | FAILED | TIMEOUT | PREEMPTED | DEADLINE | OUT_OF_ME* | STAGE_OUT | *_FAIL | LAUNCH_FAILED) state=ended ;;
  PENDING | CONFIGURING | REQUEUE* | RESV_DEL_HOLD | SPECIAL_EXIT | EXPEDITING | POWER_UP_NODE) state=waits ;;
  *) state=runs node=$4 ;;
  esac
  case $2 in '' | *[!0-9]*) ;; *) starts=$2 ;; esac
  [ "$state" = waits ] || return 0
  shift 2
  reason=$*
  case $reason in None* | \(null\)) reason='' ;; esac
}

# The words that come last count: the name is how a request is found again whose answer got lost.
slurm_submit() {
  need sbatch "$(every module)" || { said='' && return 1; }
  set -- "$@" --job-name="$1" --signal=B:USR1@120 --no-requeue
  script=$2
  shift 2
  # shellcheck disable=SC2016 # for the node
  said=$(printf '#%s/bin/sh\nLNODE_JOB=$SLURM_JOB_ID LNODE_NODE=$SLURMD_NODENAME\nexport LNODE_JOB LNODE_NODE\n%s\n' '!' "$script" |
    (slurm_clean && timeout 60 sbatch --parsable --nodes=1 --ntasks=1 --output=/dev/null "$@") 2>&1)
  set -- $?
  job=$(printf '%s\n' "$said" | sed -n 's/^\([0-9][0-9]*\)\(;.*\)\{0,1\}$/\1/p' | tail -n 1)
  [ -z "$job" ] || return 0
  if [ "$1" -eq 124 ] || slurm_is_lost "$(printf '%s\n' "$said" | grep '^[^ ]*: error: ')"; then return 124; fi
  return 1
}

# slurm_clean: no variable of the job in which this runs, which sbatch would pass on to the next.
slurm_clean() {
  [ -n "$SLURM_JOB_ID" ] || return 0 # else they are your own
  for name_of in $(env | sed -n 's/^\(SLURM_[A-Z0-9_]*\)=.*/\1/p'); do
    case $name_of in SLURM_CONF | SLURM_CLUSTERS) ;; *) unset "$name_of" ;; esac
  done
}

slurm_limit() {
  printf '%s\n' "--time=$1"
}

slurm_end() {
  end_s=$(slurm_ask 8 -u "${USER:-$(id -un)}" -j "$1" -O endtime:24 2>/dev/null | sed -n 's/^\([0-9][0-9]*\) *$/\1/p' | head -n 1)
  [ -n "$end_s" ]
}

slurm_tell() {
  timeout 8 scancel --batch --signal=USR1 "$1" 2>/dev/null
}

slurm_script() {
  timeout -k 1 4 scontrol write batch_script "$1" - 2>/dev/null </dev/null
}

slurm_can_submit() {
  have sbatch && have srun
}

slurm_named() {
  rows=$(slurm_ask 8 -u "${USER:-$(id -un)}" -O jobid:24,submittime:24,batchflag:4,name:200 2>/dev/null) || return
  job=$(printf '%s\n' "$rows" | awk -v name="$1" -v since="$2" -v but="$3" '
    $3 > 0 && $4 == name && NF == 4 && $1 != but && $2 >= since - 300 && $2 <= since + 300 { found = $1 } END { print found }')
}

# The step and not its srun, which would end the step by KILL at once (srun_job.c, "forcing job termination").
slurm_end_step() {
  steps=
  insist slurm_steps "$1"
  number=$(printf '%s\n' "$steps" | sed -n "s/^\([0-9][^ ]*\) [^ ]* $2\$/\1/p" | head -n 1)
  [ -n "$number" ] && timeout 8 scancel --signal=TERM "$number"
}

slurm_end_requested() {
  numbers=$(slurm_ask 8 -u "${USER:-$(id -un)}" -t running -O jobid:24,allocsid:16,batchflag:4,submittime:24,allocnodes:80 2>/dev/null | while read -r number sid batch since host; do
    if [ "$sid" = "$1" ] && [ "$batch" = 0 ] && [ "$since" -ge $((${2%%[!0-9]*} - 300)) ] 2>/dev/null && is_same_node "$host"; then echo "$number"; fi
  done)
  # shellcheck disable=SC2086 # split on purpose: job numbers
  [ -n "$numbers" ] && timeout 8 scancel --signal=TERM $numbers
}

slurm_steps() {
  steps=$(slurm_ask 8 -s -j "$1" -o '%i %N %j' 2>/dev/null)
}

# slurm_node_of_shell: from these rows the node of the session's shell, in a job of several nodes: the first node of the interactive
# step of salloc (LaunchParameters=use_interactive_step), else of the oldest step that runs.
slurm_node_of_shell() {
  sed -n 's/^[0-9_+]*\.interactive /-1 /p; s/^[0-9_+]*\.\([0-9]\{1,9\}\) /\1 /p' | sort -n | sed -n '1{s/^[^ ]* *//;s/ .*//;:a
s/^\([^],[]*\)\[\([^],-]*\)[^]]*\]/\1\2/;ta
s/,.*//;/^[A-Za-z0-9_][A-Za-z0-9._-]*$/p;}'
}

slurm_queues() {
  rows=$(timeout -k 1 8 sinfo -h -o '%P %a %l %L %m %G' 2>/dev/null </dev/null) || return
  printf '%s\n' "$rows" | awk '$2 == "up" {
    which = sub(/[*]$/, "", $1) ? "default" : "-"
    print $1, which, $3, $4, $5 + 0, $6 ~ /gpu/ ? "gpus" : "-"
  }'
}
