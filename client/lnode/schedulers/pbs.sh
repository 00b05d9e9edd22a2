# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
pbs_program=qselect pbs_module='' pbs_places=/opt/pbs/bin pbs_variables=PBS
pbs_requesters=qsub pbs_relays=qsub pbs_steps='' pbs_daemon='' pbs_gives_up=ALRM pbs_cancels=qdel

# The pane's latest job since its note, where the server remembers those that have ended (job_history_enable): without that, nothing. The
# environment of the job comes back in its Variable_List, which qstat breaks into rows that begin with a tab; a newline in it makes a row, too. -29 is the end of the walltime
# (pbs_error.h), 271 a TERM, and one that was deleted while it waited has no status. A batch job may be one that you have submitted there.
# shellcheck disable=SC2016 # for the pane
pbs_after='if command -v qselect >/dev/null 2>&1 && read -r began _ <$HOME/.local/state/lnode/requests/$(uname -n).$$ && ids=$(timeout 8 qselect -x -u $(id -un) </dev/null | sort -n | tail -n 50) && [ -n "$ids" ]; then export TZ=UTC0 LC_ALL=C; found=; its=; set -f; IFS="|"; for row in $(unset IFS; timeout 8 qstat -xf $ids </dev/null | expand | paste -s -d "|" - | sed "s/|        //g") "Job Id: "; do case $row in ("Job Id: "*) if [ -n "$its" ] && case $talks in (""|False|0) false ;; esac && [ "$(date -d "$at" +%s)" -ge $((began - 300)) ]; then case $state,$code in ([RSUB],*) its=RUNNING ;; (E,*) its=COMPLETING ;; ([QWHT],*) its=PENDING ;; (*,0) its=COMPLETED ;; (*,-29) its=TIMEOUT ;; (*, | *,271) its=CANCELLED ;; (*) its=FAILED ;; esac; found="$id $its"; fi; id=${row#Job Id: } its= state= code= at= talks= ;; ("    interactive = "*) talks=${talks:-${row#*= }} ;; ("    job_state = "*) state=${state:-${row#*= }} ;; ("    Exit_status = "*) code=${code:-${row#*= }} ;; ("    ctime = "*) at=${at:-${row#*= }} ;; ("    Variable_List = "*) row=${row#*= } ;; esac; case ",$row," in (*,LNODE_PANE="$TMUX_PANE",* | *,TMUX_PANE="$TMUX_PANE",*) its=yes ;; esac; done; unset IFS; echo $found; fi 2>/dev/null'

pbs_evidence() {
  { tr '\n\0' ' \n' <"/proc/$1/environ"; } 2>/dev/null | sed -n "s/^TMUX_PANE=\(%[0-9]*\)\$/pane $1 \1/p"
}

# -f does not go with -u, so the user's numbers come first; without a number qstat would tell everybody's jobs. A job that
# ended in between is no silence.
pbs_jobs() {
  numbers=$(timeout 8 qselect -u "$1") || return
  [ -n "$numbers" ] || return 0
  # shellcheck disable=SC2086 # split on purpose: job numbers
  said=$(TZ=UTC0 LC_ALL=C timeout 8 qstat -f $numbers)
  left=$?
  # Before each job but the first comes an empty row; else it is a row of some value, which continues with a tab.
  printf '%s\n' "$said" | awk '/^Job Id:/ && before != "" { $0 = "\t" $0 } { before = $0; print }'
  case $left in 124 | 137) return "$left" ;; esac # a part of the answer names not all jobs
  [ "$left" -eq 0 ] || [ -n "$said" ]
}

pbs_probe() {
  asked='qstat'
  timeout -k 1 4 qstat -u "$1" >/dev/null 2>&1 </dev/null
}

pbs_cluster() {
  sed -n 's/^PBS_SERVER=\([A-Za-z0-9._-]*\).*/\1/p' "${PBS_CONF_FILE:-/etc/pbs.conf}" 2>/dev/null
}

pbs_queues() {
  rows=$(LC_ALL=C timeout -k 1 8 qstat -Qf 2>/dev/null </dev/null) || return
  server=$(LC_ALL=C timeout -k 1 8 qstat -Bf 2>/dev/null </dev/null | sed -n 's/^ *default_queue = *\([A-Za-z0-9._-]*\).*/\1/p' | head -n 1)
  printf '%s\n' "$rows" | awk -v usual_one="$server" '
    function tell() { if (queue && open) print queue, (queue == usual_one ? "default" : "-"), most, usual, 0, "-" }
    /^Queue:/ { tell(); queue = $2; open = 0; most = usual = "-" }
    $1 == "resources_max.walltime" { most = $3 }
    $1 == "resources_default.walltime" { usual = $3 }
    $1 == "enabled" && $3 == "True" { open = 1 }
    END { tell() }'
}
