# shellcheck shell=sh
# Sessions that live in a job, on its own node: their tmux server belongs to the job's batch script (holder.sh) and has a name of its
# own (tmux -L). In the home a file for each, called after the job: `NODE LABEL ID BORN EPOCH VERSION NAME`, with `-` for what is not known while the
# job waits. JOB.RUN is there while the attach RUN has not seen its session, JOB.told has the marks of news.sh, JOB.history what the panes have shown.
in_jobs=$own_state/in_jobs

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

# read_note JOB: sets $its_node, $its_label, $its_id, $its_born, $its_asked, $its_version (of the scheduler, for x_at) and $its_name.
read_note() {
  its_name=''
  is_own "$in_jobs/$1" || return
  { read -r its_node its_label its_id its_born its_asked its_version its_name <"$in_jobs/$1"; } 2>/dev/null
  case $its_label in - | '' | *[!A-Za-z0-9_-]*) its_label=lnode-$1 ;; esac
  [ -n "$its_name" ]
}

# write_note JOB ROW...: whole or not at all.
write_note() {
  draft=$in_jobs/.$1.$$
  (umask 077 && rm -f "$draft" && printf '%s\n' "$2" >"$draft" && mv -f "$draft" "$in_jobs/$1") 2>/dev/null
}

# forget_job JOB: all that the home has of it.
forget_job() {
  rm -rf "${in_jobs:?}/$1" "$in_jobs/$1."*
}
