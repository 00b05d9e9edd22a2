# shellcheck shell=sh
# Part of the attach line that starts a session in a job of its own. BATCH_SCRIPT is the job's (holder.sh), WORDS are those of the request. RESTORES is the
# job that has ended, and whose panes the new one puts back, or nothing.
# values: batch_script words restores

# start_in_job: request the job, wait for it and go there. Returns if the session is to be started on this login node, which it says.
start_in_job() {
  find_scheduler && have "${scheduler}_submit" || exit 124
  make_own_folder in_jobs || fail 106
  asking=$in_jobs/asking.$name job=''
  claim
  if [ -z "$job" ] && find_job "$name"; then # another attach was faster, or it has ended
    ask_job
    if [ "$state" != ended ]; then
      rm -f "$asking"
      hop_to_job
    fi
    job=''
  fi
  if [ -z "$job" ]; then submit; fi
  "${scheduler}_words" "$job"
  (umask 077 && set -C && printf '%s\n' "- - - - $now ${version:--} $name" >"$in_jobs/$job") 2>/dev/null
  rm -f "$asking"
  trap - HUP INT TERM
  read_note "$job" || fail 106
  hop_to_job
  if { read -r why <"$in_jobs/$job.failed"; } 2>/dev/null; then
    printf '\r\033[K%s\n' "lnode: $name cannot live on a node ($why), so it starts on this login node"
    forget_job "$job"
    return
  fi
  exit 119
}

# claim: one attach at a time asks for a job of this name, and the others go where it leads. Sets $job if an earlier one had asked and did
# not say what came of it, because the node has crashed or the scheduler was silent.
claim() {
  until (umask 077 && set -C && printf '%s\n' "$now" >"$asking") 2>/dev/null; do
    asked=''
    { read -r asked <"$asking"; } 2>/dev/null
    case $asked in *[!0-9]*) asked=0 ;; esac
    if [ $(($(date +%s) - ${asked:-$now})) -gt 15 ]; then
      insist "${scheduler}_named" "$name" "$asked" || exit 118
      [ -z "$job" ] || return 0
      rm -f "$asking"
    elif [ -e "$asking" ]; then
      sleep 1
    else
      hop "$name"
    fi
  done
}

# submit: sets $job. A connection that is lost meanwhile does not end it halfway.
submit() {
  trap '' HUP INT TERM
  # shellcheck disable=SC2086 # split on purpose: words
  "${scheduler}_submit" "$name" "$batch_script" $words && return
  if [ $? -eq 124 ]; then exit 118; fi
  rm -f "$asking"
  fail 116
}
