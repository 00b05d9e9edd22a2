# shellcheck shell=sh
# Part of the attach line that starts a session in a job of its own. BATCH_SCRIPT is the job's (holder.sh), WORDS are those of the request.
# RESTORES is the job that has ended, and whose panes the new one puts back, or nothing.
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
      drop_claim
      hop_to_job
    fi
    job=''
  fi
  if [ -z "$job" ]; then submit; fi
  "${scheduler}_words" "$job"
  note_cluster "$job"
  (umask 077 && set -C && printf '%s\n' "- - - - $(date +%s) ${version:--} $name" >"$in_jobs/$job" && chmod 600 "$in_jobs/$job") 2>/dev/null
  drop_claim
  trap - HUP INT TERM
  if ! read_note "$job"; then # who looks for it would not find it
    timeout 20 "$(of cancels)" "$job" >/dev/null 2>&1
    fail 106
  fi
  hop_to_job
  if { read -r why <"$in_jobs/$job.failed"; } 2>/dev/null; then
    printf '\r\033[K%s\n' "lnode: $name cannot live on a node ($why), so it starts on this login node"
    forget_job "$job"
    return
  fi
  exit 119
}

# claim: one attach at a time asks for a job of this name, and the others go where it leads. Sets $job if an earlier one had asked and did
# not say what came of it, because the node has crashed or the scheduler was silent. A request takes 60 s at most.
claim() {
  name_node
  empty=0
  until claimed="$(date +%s) $this_node $$" && (umask 077 && set -C && printf '%s\n' "$claimed" >"$asking") 2>/dev/null; do
    asked='' there='' pid=''
    { read -r asked there pid <"$asking"; } 2>/dev/null
    case $asked in
    '' | *[!0-9]*) # another has just ended or begun, or the home takes no files
      hop "$name"
      empty=$((empty + 1))
      if [ "$empty" -ge 5 ]; then
        rm -f "$asking"
        fail 106
      fi
      [ "$empty" -eq 1 ] || sleep 1
      continue
      ;;
    esac
    age_s=$(($(date +%s) - asked)) empty=0
    if [ "$age_s" -gt 90 ] || [ "$age_s" -lt -90 ] || { [ "$age_s" -gt 15 ] && [ "${there:-$this_node}" = "$this_node" ] && ! is_alive "$pid"; }; then
      insist "${scheduler}_named" "$name" "$asked" || exit 118
      claimed="$asked${there:+ $there $pid}"
      if is_of_lnode; then return; fi
      remove_claim "$claimed"
    else
      printf '\r\033[K%s' "lnode: another attach asks for $name ..."
      sleep 1
    fi
  done
}

# is_of_lnode: has lnode asked for $job? You may have given that name to a job of your own. If it was not, $job is nothing.
is_of_lnode() {
  [ -n "$job" ] || return
  script=$("${scheduler}_script" "$job") || exit 118
  case $script in *LNODE_JOB=*) return ;; esac
  job=''
  return 1
}

# drop_claim: removes it, if it is still the one that this attach has made or taken over.
drop_claim() {
  if [ "$(cat "$asking" 2>/dev/null)" = "$claimed" ]; then rm -f "$asking"; fi
}

# is_alive PID: is that a process of yours on this node?
is_alive() {
  case $1 in '' | *[!0-9]*) return 1 ;; esac
  kill -s 0 "$1" 2>/dev/null
}

# remove_claim ROW: nobody goes on with that one. If it was replaced meanwhile, the new one is put back.
remove_claim() {
  mv "$asking" "$asking.$$" 2>/dev/null || return 0
  row=''
  { read -r row <"$asking.$$"; } 2>/dev/null
  [ "$row" = "$1" ] || ln "$asking.$$" "$asking" 2>/dev/null
  rm -f "$asking.$$"
}

# submit: sets $job. A connection that is lost meanwhile does not end it halfway.
submit() {
  trap '' HUP INT TERM
  # shellcheck disable=SC2086 # split on purpose: words
  "${scheduler}_submit" "$name" "$batch_script" $words && return
  if [ $? -eq 124 ]; then exit 118; fi
  drop_claim
  "${scheduler}_can_submit" || exit 124
  fail 116
}
