# shellcheck shell=sh
# Sessions that live in a job, on its own node: their tmux server belongs to the job's batch script (holder.sh) and has a name of its own (tmux
# -L). In the home a file for each, called after the job: `NODE LABEL ID BORN EPOCH VERSION NAME`, with `-` for what is not known while the job
# waits. JOB.RUN is there while the attach RUN has not seen its session, JOB.told has the marks of news.sh, JOB.history what the panes have shown,
# JOB.cluster says whose job that is, where the home may be shared with another cluster. JOB.keep and JOB.next are those of successor.sh,
# JOB.shown and `wanted` of shown_in_job.sh;
# JOB.restores is the job whose panes it has put back.
in_jobs=$own_state/in_jobs

# find_job NAME: sets $job to the latest that has or had a session of that name, $its_label and $its_asked to what its note says. False if there is
# none. The numbers of jobs may begin anew.
find_job() {
  job='' latest=0
  [ -d "$in_jobs" ] && own_folder in_jobs || return
  for file in "$in_jobs"/[0-9]*; do
    number=${file##*/}
    case $number in *[!0-9]*) continue ;; esac
    if read_note "$number" && [ "$its_name" = "$1" ] && is_here "$number" &&
      { [ "$its_asked" -gt "$latest" ] || { [ "$its_asked" -eq "$latest" ] && [ "$number" -gt "${job:-0}" ]; }; }; then
      job=$number latest=$its_asked
    fi
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
  case $its_asked in '' | *[!0-9]*) its_asked=0 ;; esac
  [ -n "$its_name" ]
}

# is_here JOB: is that a job of this cluster? Each has its own numbers.
is_here() {
  its_cluster=''
  if is_own "$in_jobs/$1.cluster"; then { read -r its_cluster <"$in_jobs/$1.cluster"; } 2>/dev/null; fi
  [ -n "$its_cluster" ] || return 0
  find_cluster
  is_same_cluster "$its_cluster" "${cluster:-${cluster_there:-$its_cluster}}" # where that is known so far
}

# note_cluster JOB: before there is a note of it. Without this another cluster that shares the home would take the job for one that has ended.
note_cluster() {
  ask_cluster
  if [ -n "$cluster_there" ]; then write_note "$1.cluster" "$cluster_there"; fi
}

# write_note JOB ROW...: whole or not at all. A home over NFS may say only afterwards that it is full; in one with a default ACL the umask does not
# count (acl(5)).
write_note() {
  draft=$in_jobs/.$1.$$
  (
    umask 077
    rm -f "$draft" && printf '%s\n' "$2" >"$draft" && chmod 600 "$draft" && [ "$(cat "$draft")" = "$2" ] && mv -f "$draft" "$in_jobs/$1"
  ) 2>/dev/null
}

# forget_job JOB: all that the home has of it, and of the job whose panes it has put back.
forget_job() {
  its_old=''
  if is_own "$in_jobs/$1.restores"; then { read -r its_old <"$in_jobs/$1.restores"; } 2>/dev/null; fi
  rm -rf "${in_jobs:?}/$1" "$in_jobs/$1."*
  case $its_old in '' | *[!0-9]*) ;; *) if [ ! -e "$in_jobs/$its_old" ]; then forget_job "$its_old"; fi ;; esac
}

# read_keep JOB: sets $keep_until and $waited_s (successor.sh). False if the session is not kept for longer than its job.
read_keep() {
  keep_until='' waited_s=''
  is_own "$in_jobs/$1.keep" && { read -r keep_until waited_s <"$in_jobs/$1.keep"; } 2>/dev/null
  case $keep_until,$waited_s in 0,* | ,* | *, | *[!0-9,]*) return 1 ;; esac
}

# read_next JOB: sets $next to the job that follows it, $next_end and $asked (successor.sh). False if there is none so far.
# shellcheck disable=SC2034 # for successor.sh
read_next() {
  next='' next_end='' asked=''
  is_own "$in_jobs/$1.next" && { read -r next next_end asked <"$in_jobs/$1.next"; } 2>/dev/null
  case $next,$next_end,$asked in "$1",* | ,* | *, | *,,* | *[!0-9,]*) next='' && return 1 ;; esac
}

# kept_panes JOB: a row PANE WINDOW LAYOUT FOLDER for each pane of that job whose history is kept.
kept_panes() {
  LC_ALL=C tr -d '\000-\011\013-\037\177' <"$in_jobs/$1.history/panes" 2>/dev/null |
    LC_ALL=C sed -n '/^%[0-9][0-9]* [0-9][0-9]* [^ ][^ ]* /p' # grep takes a name that is not UTF-8 for a binary file
}

# stop_next JOB: sets $next to the job that would have followed, and that is to be ended now. False if there is none, or if it has the session.
stop_next() {
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    if read_next "$1" || [ ! -e "$in_jobs/$1.next" ]; then break; fi
    sleep 1 # it is just asked for
  done
  mv "$in_jobs/$1.next" "$in_jobs/$1.stopped" 2>/dev/null || return
  rm -f "$in_jobs/$1.stopped"
  [ -n "$next" ]
}

# find_before JOB: sets $before to the job that it follows, and that has ended. False if there is none.
find_before() {
  before=''
  for file in "$in_jobs"/*.next; do
    if { read -r it _ <"$file"; } 2>/dev/null && [ "$it" = "$1" ]; then
      before=${file##*/}
      before=${before%.next}
      return
    fi
  done
  return 1
}

# pass_on JOB: it has ended, and its session waits for the job that follows. False if none does.
pass_on() {
  read_next "$1" && read_note "$1" || return
  if [ ! -e "$in_jobs/$next" ]; then
    for one in keep cluster; do
      if [ ! -e "$in_jobs/$next.$one" ]; then ln "$in_jobs/$1.$one" "$in_jobs/$next.$one" 2>/dev/null; fi
    done
    (umask 077 && set -C && printf '%s\n' "- - - - $asked $its_version $its_name" >"$in_jobs/$next" && chmod 600 "$in_jobs/$next") 2>/dev/null
  fi
}
