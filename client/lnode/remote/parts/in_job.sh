# shellcheck shell=sh
# The way to a session in a job (job_notes.sh). The scripts that speak to tmux go to its node by themselves: as a step of the job they run once
# more, with the LABEL of that tmux server in $label.
called=$0 carried=$* # the words that have brought this script here, or its values alone if it was stored here: then $lnode_text is its text

# bring_along: the node may have another home, so it gets the words of the whole script: two texts that gzip has packed are one.
bring_along() {
  [ -n "$lnode_text" ] || return 0
  carried=$({ printf %s "$carried" | tr -d ' ' | base64 -d && printf '%s\n' "$lnode_text" | gzip; } | base64 | tr -d '\n')
  lnode_text=
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

# hop_to_job: the same for $job. A session that has begun is tried at once: only if that fails, the scheduler is asked about its job.
hop_to_job() {
  node=''
  if [ "$its_id" = - ]; then
    ask_job
    [ "$state" = runs ] || no_way "$state" || return 0
  fi
  go
}

# no_way STATE: the session's job does not run. Returns false if there may be another session of that name.
no_way() {
  [ "$1" != ended ] || return
  leave "job-$1" "$reason"
}

# go: this script once more, as a step on the node of $job. Its reply is that of this script.
go() {
  on_node
  [ "$exit_code" -ne 0 ] || exit 0
  refused=$said
  ask_job
  [ "$state" = runs ] || no_way "$state" || return 0
  leave job-refused "$(printf '%s\n' "$refused" | head -n 20)"
}

# shellcheck disable=SC2154 # $step is of the scheduler
# on_node: sets $exit_code to the exit status of the step, and $said to what it complained of.
on_node() {
  exit_code=127 said='no step can start from here'
  find_scheduler && have "${scheduler}_at" && "${scheduler}_at" "$job" "${node:-$its_node}" "$terminal" "$its_version" || return 0
  bring_along
  there="LNODE_LABEL=$its_label; LNODE_JOB=$job; eval \"\$(printf %s \"\$@\" | base64 -d | gzip -d)\""
  # shellcheck disable=SC2086 # split on purpose: words
  { said=$(exec $step /bin/sh -c "$there" "$called" $carried 2>&1 >&3 3>&-); } 3>&1
  exit_code=$?
}
terminal=''
