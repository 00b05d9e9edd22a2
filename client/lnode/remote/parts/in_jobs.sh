# shellcheck shell=sh
# Sessions that live in a job, on its own node: their tmux server belongs to the job's batch script (holder.sh) and has a name of its
# own (tmux -L). In the home a file for each, called after the job: `NODE LABEL ID BORN EPOCH NAME`, with `-` for what is not known while the
# job waits. JOB.RUN is there while the attach RUN waits for that job, JOB.told has the marks of news.sh, JOB.history what the panes have shown.
# The scripts that speak to tmux go to the node by themselves: as a step of the job they run once more, with the LABEL in $label.
in_jobs=$own_state/in_jobs
called=$0 carried=$* # the words that have brought this script here

# find_job NAME: sets $job to the latest that has or had a session of that name, $its_label and $its_asked to what its note says. False if there is
# none.
find_job() {
  job=''
  [ -d "$in_jobs" ] && own_folder in_jobs || return
  for file in "$in_jobs"/[0-9]*; do
    number=${file##*/}
    case $number in *[!0-9]*) continue ;; esac
    if [ "$number" -gt "${job:-0}" ] && read_note "$number" && [ "$its_name" = "$1" ]; then job=$number; fi
  done
  [ -n "$job" ] && read_note "$job"
}

# read_note JOB: sets $its_node, $its_label, $its_id, $its_born, $its_asked and $its_name.
read_note() {
  its_name=''
  is_own "$in_jobs/$1" || return
  { read -r its_node its_label its_id its_born its_asked its_name <"$in_jobs/$1"; } 2>/dev/null
  case $its_label in - | '' | *[!A-Za-z0-9_-]*) its_label=lnode-$1 ;; esac
  [ -n "$its_name" ]
}

# write_note JOB ROW...: whole or not at all.
write_note() {
  draft=$in_jobs/.$1.$$
  (umask 077 && rm -f "$draft" && printf '%s\n' "$2" >"$draft" && mv -f "$draft" "$in_jobs/$1") 2>/dev/null
}

# list_in_jobs: a row `JOB NODE ID BORN ASKED TOLD WARNED NAME` for each note, and `JOB history` if the home has that of its panes. $jobs is what the
# scheduler has said. What has ended goes, if it is not to be told.
# shellcheck disable=SC2154 # of list.sh
list_in_jobs() {
  own_folder in_jobs || return 0
  section in-jobs
  for file in "$in_jobs"/[0-9]*; do
    number=${file##*/} told=- warned=-
    case $number in *[!0-9]*) continue ;; esac
    read_note "$number" || continue
    if is_over_in_job; then
      forget_job "$number"
      continue
    fi
    if is_own "$file.told"; then { read -r told warned <"$file.told"; } 2>/dev/null; fi
    printf '%s\n' "$number $its_node $its_id $its_born $its_asked ${told:--} ${warned:--} $its_name"
    if [ -f "$file.history/panes" ]; then printf '%s\n' "$number history"; fi
  done | head -n 400
}

is_over_in_job() {
  case $jobs in *"$nonce scheduler-silent"* | *"
$number "*) return 1 ;; esac
  case $jobs in *"$nonce jobs"*) ;; *) return 1 ;; esac
  case $its_asked in '' | *[!0-9]*) return 1 ;; esac
  if [ -f "$file.history/panes" ]; then [ $((clock - its_asked)) -gt 7776000 ]; else [ $((clock - its_asked)) -gt 60 ]; fi
}

# forget_job JOB: all that the home has of it.
forget_job() {
  rm -rf "$in_jobs/$1" "$in_jobs/$1."*
}

# ask_job: sets $state to that of $job: waits, runs, ended or silent; $node, $reason and $starts to what the scheduler says of it.
ask_job() {
  state=silent node='' reason='' starts=''
  if find_scheduler; then insist "${scheduler}_job" "$job"; fi
}

# hop NAME: if session NAME is in a job, do all this on its node, and end. Returns if there is no such job, or if this is its node.
hop() {
  if [ -n "$label" ] || ! find_job "$1"; then return 0; fi
  hop_to_job
}

hop_to_job() {
  ask_job
  case $state in
  runs) ;;
  *) no_way "$state" || return 0 ;;
  esac
  go
}

# no_way STATE: the session's job does not run. Returns false if there may be another session of that name.
no_way() {
  [ "$1" != ended ] || return
  section "job-$1"
  printf '%s\n' "$reason"
  section end
  exit 0
}

# find_job_of RUN: sets $job to that in which the attach RUN is, which has come through this node, and $step_pid to its process here.
find_job_of() {
  job=''
  [ -d "$in_jobs" ] || return
  # shellcheck disable=SC2046 # split on purpose: pid, job
  set -- $(ps -ww -u "$(id -u)" -o pid= -o args= 2>/dev/null | sed -n "s/^ *\([0-9]*\) .*; LNODE_JOB=\([0-9]*\); .* $1 .*/\1 \2/p" | tail -n 1)
  [ $# -eq 2 ] || return
  step_pid=$1 job=$2
  own_folder in_jobs && read_note "$job"
}

# go: this script once more, as a step on the node of $job. Its reply is that of this script.
go() {
  on_node
  [ "$left" -ne 0 ] || exit 0
  section job-refused
  printf '%s\n' "$said" | head -n 20
  section end
  exit 0
}

# on_node: sets $left to the exit status of the step, and $said to what it complained of.
on_node() {
  step=
  find_scheduler && "${scheduler}_at" "$job" "${node:-$its_node}" $terminal
  there="LNODE_LABEL=$its_label; LNODE_JOB=$job; eval \"\$(printf %s \"\$@\" | base64 -d | gzip -d)\""
  # shellcheck disable=SC2086 # split on purpose: words
  { said=$(exec $step /bin/sh -c "$there" "$called" $carried 2>&1 >&3 3>&-); } 3>&1
  left=$?
}
terminal=''
