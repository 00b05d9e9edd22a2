# shellcheck shell=sh
# Second part of most scripts: which scheduler is here. Before it come $schedulers, `x:CODE` for each, then unable.sh, then the files of
# all schedulers (schedulers/x.sh), of which call.py keeps the functions that a script asks for. A file x.sh answers by names that begin
# with its own, and leaves out a function if unable.sh says the right thing; the words are separated by spaces:
#   x_program      the program by which it is known to be here, which lists jobs
#   x_module       the module that brings its programs, x_places the folders where they often are, x_variables the beginning of
#                  the names of the variables that they need from a login shell (see insist), x_chooses those that choose whom they ask
#   x_requesters   programs that live as long as what they asked for, x_relays those of them that pass keys on to a node,
#                  x_steps programs that lead into a job, x_daemon the one above a step's processes, x_cancels the one that ends the jobs that follow
#   x_gives_up     the signal by which a requester deletes its job while that waits; nothing if it does so when its terminal is gone
#   x_hides        yes if its programs run as a user of their own (setuid): they are not among your processes, and you cannot signal them
#   x_after        sh in one line, without a quote ', that prints the job and state of the pane $$'s request (call.py); or nothing
#   x_list USER    the sections of the user's jobs, for x.py; `section scheduler-silent` if it does not answer
#   x_jobs USER, x_evidence PID PARENT COMMAND    for ask_for_clients only (clients.sh)
#   x_probe USER   False if it does not answer within 4 s; sets $asked to the program if that is not x_program
#   x_node         after x_probe: sets $node to one that runs a job, and $overlap to yes or no; False if that is not known
#   x_step JOB [unbuffered [NAME]]    sets $step to the words before a command that is to run in that allocation, as a step of that
#                  name; False if none can
#   x_end_step JOB NAME, x_end_requested SID EPOCH    send TERM to that step, and to the steps of the jobs that were requested in that
#                  session of processes on this node, which began then; False if they find none
#   x_asked USER   sets $jobs to a row JOB SID HOST EPOCH BATCH STATE LEFT NODES for each of the user's jobs: who requested it, where and when,
#                  0 unless it is a batch job, and its time left as squeue writes it; no row if it does not keep that. False if it does not answer
#   x_back JOB     sets sh without a quote ' or a ! for a pane on a login node: $until waits until that job has its nodes, $same leads to
#                  the shell in it ($its_step; "" if nothing can), $fresh before a command starts it there, $ends gives the job back; and sh for the node, with
#                  its own words: $fits gives that shell the ROWS and COLUMNS $1 and $2. $lives is yes if what was started before may go on in
#                  the job. False if it cannot
#   x_when WORD... when such a request would start, without making it: sets $answer to `starts EPOCH`, or to `never TEXT`, or to
#                  `refuses TEXT` if it would be refused just now. False if it does not answer, or cannot be asked that
#   Where a session can live in a job (job_notes.sh), else none of them:
#   x_can_submit   True if its programs for that are here
#   x_submit NAME SCRIPT WORD...    sets $job to a batch job of that name and of one node. 124 if it does not say whether there is one; else false,
#                  and $said is why. SCRIPT finds LNODE_JOB and LNODE_NODE, and is sent USR1 two minutes before the end
#   x_named NAME EPOCH [JOB]    sets $job to a batch job of that name that was submitted since then, but not to JOB; or to nothing. False
#                  if it does not answer
#   x_limit MINUTES    prints the word of a request with that time limit
#   x_end JOB      sets $end_s to the epoch at which it ends. False if it does not answer, or if there is no limit
#   x_tell JOB     sends USR1 to its batch script
#   x_script JOB   prints the script of that batch job
#   x_job JOB      sets $state to waits, runs or ended, $node, $reason and $starts. False if it does not answer
#   x_words JOB    sets $version to what x_at is to be told, which saves it a question
#   x_at JOB NODE TERMINAL VERSION    sets $step as x_step does, for that node; with TERMINAL it has that of the caller
#   x_closures     the maintenance that is announced, a row START END in epoch seconds each, 20 at most
#   x_requested_on USER    the login nodes on which the user's interactive jobs were requested, a line each, if it tells
#   x_compute_nodes HOST...    those of these hosts that are compute nodes, a line each, if it tells
#   x_queues       the queues or partitions that are open, a row each: NAME default|- LONGEST USUAL MB gpus|-, with `-` and 0 for what is
#                  not known: the longest and the usual time of a job there, and the memory of a node
#   x_cluster      the name of the cluster, from its configuration alone; or nothing
#   x_called       the same, as the scheduler says it when it is asked; or nothing

# every WORD: that of each scheduler, in one line.
every() {
  words=
  for one in $schedulers; do eval "words=\$words\${${one%:*}_$1:+ \$${one%:*}_$1}"; done
  printf '%s\n' "${words# }"
}

# of WORD: that of the scheduler that is here, or of the first.
of() {
  eval "printf '%s\n' \"\$${scheduler:-${schedulers%%:*}}_$1\""
}

scheduler_on_path() {
  for one in $schedulers; do
    scheduler=${one%:*}
    eval "have \"\$${scheduler}_program\"" && return
  done
  scheduler=
  return 1
}

# Sets $scheduler. False where there is none, or none that is known here.
find_scheduler() {
  scheduler_on_path && return
  need "$(of program)" "$(every module)"
  scheduler_on_path
}

# find_cluster: sets $cluster to its name, as the scheduler's own configuration has it, without a question to anybody; to nothing where
# that says none.
cluster='' searched='' cluster_there='' asked_cluster=''
find_cluster() {
  if [ -n "$searched" ]; then return; fi
  searched=yes
  for one in $schedulers; do
    if [ -z "$cluster" ]; then cluster=$("${one%:*}_cluster"); fi
  done
  cluster=${cluster%%
*}
}

# ask_cluster: sets $cluster_there to the same; if its configuration does not tell, as where that includes other files, to what the scheduler says.
ask_cluster() {
  find_cluster
  cluster_there=${cluster:-$cluster_there}
  if [ -n "$cluster_there$asked_cluster" ] || ! find_scheduler; then return; fi
  asked_cluster=yes cluster_there=$("${scheduler}_called")
}

# is_same_cluster NAME NAME: a scheduler may say in lower case what its configuration says otherwise.
is_same_cluster() {
  [ "$1" = "$2" ] || [ "$(printf '%s\n' "$1" | tr '[:upper:]' '[:lower:]')" = "$(printf '%s\n' "$2" | tr '[:upper:]' '[:lower:]')" ]
}

# within SECONDS COMMAND...: as timeout(1). A program that runs as another user can be ended by its own alarm only, which it takes along.
within() {
  if [ -z "$(of hides)" ]; then
    timeout "$@"
    return
  fi
  perl -e 'alarm shift; exec @ARGV' "$@"
  set -- $?
  return "$(($1 == 142 ? 124 : $1))" # 128 and ALRM
}

# yours OPTION...: ps of your processes, and of their children that run as another user because the scheduler wants that.
yours() {
  if [ -z "$(of hides)" ]; then
    ps -u "$me" "$@"
  else
    ps -u "$me" --ppid "$(ps -u "$me" -o pid= | tr -d ' ' | paste -s -d , -)" "$@"
  fi
}

# insist COMMAND...: a question to the scheduler, once more if it fails at once and the login shell knows a variable that may be its
# configuration. Only then a question pays for a login shell. 124 if the scheduler does not answer in time; $insisted is yes if
# only the login shell's variables brought the answer. Where the configuration names a cluster, another one that the login shell chooses does
# not answer for it: your job would be absent there, or its number another job's.
# shellcheck disable=SC2034 # for doctor.sh
insist() {
  insisted=
  "$@" && return
  case $? in 124 | 137) return 124 ;; esac
  find_cluster
  unwanted=${cluster:+$(every chooses)}
  take_login_path && "$@" && insisted=yes
}

# find_step JOB [unbuffered [NAME]]: sets $step, by the first scheduler that can. False if none can.
find_step() {
  for one in $schedulers; do "${one%:*}_step" "$@" && return; done
  return 1
}

# end_step JOB NAME, end_requested SID EPOCH: False if no scheduler here has such steps.
end_step() {
  find_scheduler && "${scheduler}_end_step" "$@"
}

end_requested() {
  find_scheduler && "${scheduler}_end_requested" "$@"
}

# state_of JOB: sets $state as x_job does, and nothing else; to silent if the scheduler does not answer. False if that job has ended.
state_of() {
  # shellcheck disable=SC2034 # of x_job
  state=$(
    state=silent
    "${scheduler}_job" "$1" >/dev/null 2>&1
    printf '%s\n' "$state"
  )
  [ "$state" != ended ]
}

# Is it a program here, or a function or an alias of the login shell, which will read the request?
knows() {
  need "$1" "$(every module)" || shell_finds -c "type $1" || shell_finds -c "which $1" || shell_finds -l -c "type $1"
}

# shell_finds WORD...: does your shell find it with these words?
shell_finds() {
  timeout -k 1 10 "${SHELL:-/bin/sh}" "$@" >/dev/null 2>&1 </dev/null
}

for one in $schedulers; do
  eval "places=\$places\${${one%:*}_places:+:\$${one%:*}_places}"
  eval "variables=\$variables\${${one%:*}_variables:+|\$${one%:*}_variables}"
done
