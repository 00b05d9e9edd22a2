# shellcheck shell=sh
# Part of the batch script of a session that outlives its allocation (holder.sh). In the home stand beside the note of its job:
#   JOB.keep      UNTIL WAITED       the session is kept until then, an epoch, or not (0); its longest wait for an allocation so far, in seconds
#   JOB.next      NEXT ENDS ASKED    the job that follows, `-` while it is asked for; when this one ends, and when that was asked for
#   JOB.handover  there while NEXT waits until JOB has kept its panes
#   JOB.refused   why there is no job that follows
# There is one successor at most: nobody but the job's own batch script asks for it, and only while there is no JOB.next. Who moves that file
# away decides: NEXT, which has the session then, or who stops it.
# values: batch_words

# follow: the loop beside the session. Each 30 s it shows the panes to lists (shown_in_job.sh). It asks for the next job twice the longest wait
# before this one ends, at least 10 minutes, but never in its first half. Each 10 minutes it lets the batch script keep the panes: where cgroups
# hold the processes of a job, the scheduler ends tmux at the same moment as this script, so what was not kept before is lost.
# shellcheck disable=SC2154 # $end_s is of the scheduler
follow() {
  trap - USR1 TERM
  began=$(date +%s) end_s='' again=0 kept_at=$began shown_at=0 shown_before='' nonce=$began.$$
  while sleep 10; do
    now=$(date +%s)
    if [ "$now" -ge $((shown_at + 30)) ]; then
      shown_at=$now
      show_job
    fi
    if [ "$now" -ge $((kept_at + 600)) ]; then
      kept_at=$now
      kill -s USR1 "$$" 2>/dev/null
    fi
    if [ "$now" -lt "$again" ] || ! read_keep "$job"; then continue; fi
    again=$((now + 20))
    if [ -e "$in_jobs/$job.next" ]; then
      if read_next "$job" && ! state_of "$next"; then rm -f "$in_jobs/$job.next"; else again=$((now + 60)); fi # it has ended meanwhile
    elif [ -n "$end_s" ] || "${scheduler}_end" "$job"; then
      if ! is_time; then
        again=$((now + 10))
      elif "${scheduler}_end" "$job" && is_time; then # nobody has made it longer
        ask_for_next || again_in $(((end_s - now) / 4))
      fi
    fi
  done
}

# again_in SECONDS: at least 10, and 300 at most. A scheduler that is restarted refuses too, and a short job has no five minutes left.
again_in() {
  again=$((now + ($1 < 10 ? 10 : $1 > 300 ? 300 : $1)))
}

is_time() {
  lead_s=$((2 * waited_s > 600 ? 2 * waited_s : 600)) half_s=$(((end_s - began) / 2))
  [ "$now" -ge $((end_s - (lead_s < half_s ? lead_s : half_s))) ]
}

# ask_for_next: the same request once more; it ends with the date of the session. False if the scheduler has refused it.
# shellcheck disable=SC2154 # $carried is of holder.sh
ask_for_next() {
  left_s=$((keep_until - end_s)) this=$job
  [ "$left_s" -ge 60 ] || return 0
  if ! (umask 077 && set -C && printf '%s\n' "- $end_s $now" >"$in_jobs/$this.next") 2>/dev/null; then
    [ -s "$in_jobs/$this.next" ] || rm -f "$in_jobs/$this.next" # the home is full; nobody else makes this file
    return 0
  fi
  set -f
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $batch_words
  set +f
  if [ "$left_s" -lt $((end_s - began)) ]; then set -- "$@" "$("${scheduler}_limit" $((left_s / 60)))"; fi
  job=''
  "${scheduler}_submit" "$name" "LNODE_AFTER=$this
export LNODE_AFTER
exec /bin/sh -c 'eval \"\$(printf %s \"\$@\" | base64 -d | gzip -d)\"' sh $carried" "$@"
  if [ $? -eq 124 ]; then
    script=''
    until "${scheduler}_named" "$name" "$now" "$this" && { [ -z "$job" ] || script=$("${scheduler}_script" "$job"); }; do sleep 30; done
    case $script in *"LNODE_AFTER=$this"*) ;; *) job='' ;; esac # another one of yours
  fi
  set -- "$job"
  job=$this
  if [ -z "$1" ]; then # perhaps not for ever
    (umask 077 && printf '%s\n' "$said" | tail -n 1 | tr -d '\000-\037\177' | cut -c 1-200 >"$in_jobs/$job.refused") 2>/dev/null
    rm -f "$in_jobs/$job.next"
    return 1
  fi
  rm -f "$in_jobs/$job.refused"
  if ! [ -e "$in_jobs/$job.next" ] || ! read_keep "$job" || ! write_note "$job.next" "$1 $end_s $now"; then # it was stopped meanwhile
    rm -f "$in_jobs/$job.next"
    end_job "$1"
  fi
}

# take_over OLD: this job follows OLD, and is to have its session two minutes before that ends. There are two allocations for 10 minutes at most.
# While OLD runs and has not kept its panes, nothing is taken from it.
take_over() {
  called='' began=$(date +%s)
  for _ in 1 2 3 4 5 6; do
    if read_next "$1" || [ ! -e "$in_jobs/$1.next" ]; then break; fi
    sleep 10 # it does not know this job's number yet
  done
  is_the_next "$1" || exit 0
  longest_s=$((began - asked > waited_s ? began - asked : waited_s))
  at=$((next_end - 120 < began + 600 ? next_end - 120 : began + 600))
  while state_of "$1" && [ "$(date +%s)" -lt "$at" ]; do
    sleep 10
    is_the_next "$1" || exit 0
  done
  (umask 077 && : >"$in_jobs/$1.handover") 2>/dev/null
  while state_of "$1" && [ -e "$in_jobs/$1.handover" ]; do
    is_the_next "$1" || exit 0
    "${scheduler}_tell" "$1"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      if [ -e "$in_jobs/$1.handover" ]; then sleep 2; fi
    done
  done
  restores=$1
  { read -r called <"$in_jobs/$1.history/name"; } 2>/dev/null # it may have another name since
  case $called in '' | *[!A-Za-z0-9_-]*) called=$name ;; esac
}

# is_the_next OLD: is this job still to follow that one? What is noted of itself counts more than what OLD has noted.
is_the_next() {
  read_next "$1" && [ "$next" = "$job" ] && keeps_on "$1"
}

keeps_on() {
  if [ -e "$in_jobs/$job.keep" ]; then read_keep "$job"; else read_keep "$1"; fi && [ "$keep_until" -gt "$(date +%s)" ]
}

# claim_session OLD: from now on the session is this job's. False if it was stopped meanwhile, or cannot be noted; then $taken is yes if it was not
# another that took it.
claim_session() {
  taken=''
  mv "$in_jobs/$1.next" "$in_jobs/$1.taken" 2>/dev/null || return
  taken=yes
  keeps_on "$1" && write_note "$job.keep" "$keep_until $longest_s"
}

# end_old OLD: the history stays for the panes that show it.
end_old() {
  for one in '' .keep .taken .told .refused .handover .shown .cluster; do rm -f "$in_jobs/$1$one"; done
  end_job "$1"
  while sleep 20 && state_of "$1"; do end_job "$1"; done &
}

# end_job JOB
end_job() {
  program=$(of cancels)
  need "$program" "$(every module)" && timeout 20 "$program" "$1" >/dev/null 2>&1
}
