# shellcheck shell=sh
# Part of the batch script of a session that outlives its allocation (holder.sh). In the home stand beside the note of its job:
#   JOB.keep  UNTIL WAITED       the session is kept until then, an epoch; the longest wait for an allocation so far, in seconds
#   JOB.next  NEXT ENDS ASKED    the job that follows, `-` while it is asked for; when this one ends, and when that was asked for
# Whoever removes JOB.keep stops it. There is one successor at most: nobody but the job's own batch script asks for it, and only
# while there is no JOB.next.
# values: batch_words

# follow: the loop beside the session. It asks for the next job twice the longest wait before this one ends, at least 10 minutes, but never
# in its first half.
# shellcheck disable=SC2154 # $end_s is of the scheduler
follow() {
  trap - USR1 TERM
  began=$(date +%s) end_s='' again=0
  while sleep 10; do
    now=$(date +%s)
    if [ "$now" -lt "$again" ] || [ -e "$in_jobs/$job.next" ] || ! read_keep "$job"; then continue; fi
    if [ -n "$end_s" ] || "${scheduler}_end" "$job"; then
      is_time || continue
      "${scheduler}_end" "$job" && is_time && ask_for_next # somebody may have made it longer
    fi
    again=$((now + 60))
  done
}

is_time() {
  lead_s=$((2 * waited_s > 600 ? 2 * waited_s : 600)) half_s=$(((end_s - began) / 2))
  [ "$now" -ge $((end_s - (lead_s < half_s ? lead_s : half_s))) ]
}

# ask_for_next: the same request once more; it ends with the date of the session.
# shellcheck disable=SC2154 # $carried is of holder.sh
ask_for_next() {
  left_s=$((keep_until - end_s)) this=$job
  [ "$left_s" -ge 60 ] || return
  (umask 077 && set -C && printf '%s\n' "- $end_s $now" >"$in_jobs/$this.next") 2>/dev/null || return
  set -f
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $batch_words
  set +f
  if [ "$left_s" -lt $((end_s - began)) ]; then set -- "$@" "$("${scheduler}_limit" $((left_s / 60)))"; fi
  "${scheduler}_submit" "$name" "LNODE_AFTER=$this
export LNODE_AFTER
exec /bin/sh -c 'eval \"\$(printf %s \"\$@\" | base64 -d | gzip -d)\"' sh $carried" "$@"
  if [ $? -eq 124 ]; then
    job=''
    until "${scheduler}_named" "$name" "$now" "$this"; do sleep 30; done
  fi
  if [ -z "$job" ]; then # refused; perhaps not for ever
    (umask 077 && printf '%s\n' "$said" | tail -n 1 | cut -c 1-200 >"$in_jobs/$this.refused") 2>/dev/null
    rm -f "$in_jobs/$this.next"
  elif read_keep "$this" && write_note "$this.next" "$job $end_s $now"; then
    rm -f "$in_jobs/$this.refused"
  else # it was stopped meanwhile
    end_job "$job"
    rm -f "$in_jobs/$this.next"
  fi
  job=$this
}

# take_over OLD: this job follows OLD, and takes its session over two minutes before that ends. There are two allocations for 10 minutes at most.
take_over() {
  is_the_next "$1" || exit 0
  called='' began=$(date +%s)
  longest_s=$((began - asked > waited_s ? began - asked : waited_s))
  at=$((next_end - 120 < began + 600 ? next_end - 120 : began + 600))
  while state_of "$1" && [ "$(date +%s)" -lt "$at" ]; do
    sleep 10
    is_the_next "$1" || exit 0
  done
  if [ "$state" != ended ]; then
    (umask 077 && : >"$in_jobs/$1.handover") 2>/dev/null
    "${scheduler}_tell" "$1"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
      [ -e "$in_jobs/$1.handover" ] || break
      sleep 2
    done
  fi
  is_the_next "$1" || exit 0
  restores=$1
  { read -r called <"$in_jobs/$1.history/name"; } 2>/dev/null # it may have another name since
  case $called in '' | *[!A-Za-z0-9_-]*) ;; *) name=$called ;; esac
}

is_the_next() {
  read_next "$1" && [ "$next" = "$job" ] && read_keep "$1"
}

# state_of JOB: sets $state as x_job does, or to silent. False if that job has ended.
state_of() {
  state=silent
  "${scheduler}_job" "$1"
  [ "$state" != ended ]
}

# has_taken_over OLD: the session is here now. The history of OLD stays for the panes that show it.
has_taken_over() {
  write_note "$job.keep" "$keep_until $longest_s"
  rm -f "$in_jobs/$1" "$in_jobs/$1.keep" "$in_jobs/$1.next" "$in_jobs/$1.told" "$in_jobs/$1.refused" "$in_jobs/$1.handover"
  end_job "$1"
}

# end_job JOB
end_job() {
  program=$(of cancels)
  need "$program" "$(every module)" && timeout 20 "$program" "$1" >/dev/null 2>&1
}
