# shellcheck shell=sh
# The batch script of a job in which a session lives (parts/start_in_job.sh): it has the session's tmux server, and ends with it. A server
# that a step had made would end with that step. Before the end of the job (USR1, TERM) it keeps what the panes have shown, in the home.
# LNODE_JOB and LNODE_NODE are of the scheduler's own file (x_submit).
# values: name tmux_path cwd
# parts: section tmux server scheduler own in_jobs

# give_up WORDS: the attach that waits for this job reads them, and starts the session on the login node.
give_up() {
  (umask 077 && printf '%s\n' "$node: $1" >"$in_jobs/$job.failed") 2>/dev/null
  exit 1
}

# keep_history: what each pane shows and has shown, with its window and its folder. Without the note somebody has ended it on purpose.
keep_history() {
  [ -e "$in_jobs/$job" ] || return
  kept=$in_jobs/$job.history
  (
    umask 077 && mkdir -p "$kept" && ask list-panes -a -F '#{pane_id} #{window_index} #{pane_current_path}' || exit
    printf '%s\n' "$rows" | head -n 50 >"$kept/panes"
    while read -r pane _; do
      if ask capture-pane -p -e -S -2000 -t "$pane"; then printf '%s\n' "$rows" | tail -c 1000000 >"$kept/${pane#%}"; fi
    done <"$kept/panes"
  ) 2>/dev/null
}

job=$LNODE_JOB
label=lnode-$job
node=$LNODE_NODE
unset LNODE_JOB LNODE_NODE SSH_TTY SSH_CONNECTION SSH_CLIENT SSH_AUTH_SOCK DISPLAY
find_tmux || give_up 'there is no tmux'
enter "$cwd" 2>/dev/null || cd || cd /
make_own_folder in_jobs
# shellcheck disable=SC2086 # split on purpose
ask new-session -d -s "$name" $keeps ';' set-option @lnode_kind node || give_up "$rows"
ask list-sessions -F '#{session_id} #{session_created},#{pid}' || give_up "$rows"
born=${rows##* }
server=${born#*,}
case $server in '' | *[!0-9]*) give_up 'its tmux is too old' ;; esac
now=$(date +%s)
if read_note "$job" && [ $((now - its_asked)) -gt 30 ]; then # it has waited: the first that looks tells you of its start
  ask set-option -t "$name" @lnode_told "waiting-$job" && (umask 077 && echo "waiting-$job -" >"$in_jobs/$job.told")
fi
ask list-sessions -F '#{session_id} #{session_created},#{pid}' || give_up "$rows"
write_note "$job" "$node $label $rows $now $name"

trap keep_history USR1
trap 'keep_history; trap "" TERM' TERM
while kill -s 0 "$server" 2>/dev/null; do
  "$tmux" -L "$label" wait-for "$label" >/dev/null 2>&1 & # returns when the server ends
  waiter=$!
  wait "$waiter"
  kill "$waiter" 2>/dev/null || sleep 1
done
if [ ! -d "$in_jobs/$job.history" ]; then forget_job "$job"; fi
