# shellcheck shell=sh
# The batch script of a job in which a session lives (parts/start_in_job.sh): it has the session's tmux server, and ends with it. A server that a
# step had made would end with that step. Before the end of the job (USR1, TERM) it keeps what the panes have shown, in the home. LNODE_JOB and
# LNODE_NODE are of the scheduler's own file (x_submit). If the session is kept for KEEP_S seconds, the next job puts back what it has kept
# (parts/successor.sh). RESUME is a command: it runs where a pane has run its program.
# values: name tmux_path cwd restores keep_s resume
# parts: tmux server scheduler own job_notes screens shown_in_job successor

# give_up WORDS: the attach that waits for this job reads them, and starts the session on the login node.
give_up() {
  (umask 077 && printf '%s\n' "$node: $1" >"$in_jobs/$job.failed") 2>/dev/null
  exit 1
}

# once_at_end: the rows, of the same ones at the end only one. An idle shell has a prompt there, the next job's writes one more, and in weeks
# nothing else would be left on the screen.
once_at_end() {
  awk '
    { row[NR] = $0 }
    END {
      for (last = NR; last > 1 && row[last] == row[last - 1]; last--) ;
      for (i = 1; i <= last; i++) print row[i]
    }'
}

# keep_history: what each pane shows and has shown, with its window and its folder. Without the note somebody has ended it on purpose.
keep_history() {
  [ -e "$in_jobs/$job" ] || return
  kept=$in_jobs/$job.draft awake=
  (
    umask 077
    rm -rf "$kept"
    mkdir "$kept" && ask list-panes -a -F '#{pane_id} #{window_index} #{window_layout}' || exit
    printf '%s\n' "$rows" | head -n 50 >"$kept/places" || exit
    while read -r pane place; do
      folder_of "$pane"
      printf '%s\n' "$pane $place $pane_folder" >>"$kept/panes" || exit
      if ask capture-pane -p -e -S -2000 -t "$pane"; then
        short=$(printf '%s\n' "$rows" | once_at_end) || short=$rows
        printf '%s\n' "$short" | tail -c 1000000 >"$kept/${pane#%}" || exit
      fi
    done <"$kept/places"
    ask list-sessions -F '#{session_name}' && printf '%s\n' "$rows" | head -n 1 >"$kept/name" || exit
    ask list-windows -a -F '#{window_active}#{automatic-rename} #{window_index} #{window_name}' && printf '%s\n' "$rows" >"$kept/windows" || exit
    if [ -n "$resume" ] && ask list-panes -a -F '#{pane_id} #{pane_tty}'; then printf '%s\n' "$rows" | running "${resume%% *}" >"$kept/running"; fi
    if [ ! -e "$in_jobs/$job" ]; then rm -rf "$kept" && exit; fi # it was ended meanwhile
    rm -rf "$in_jobs/$job.history"
    mv "$kept" "$in_jobs/$job.history" && rm -f "$in_jobs/$job.handover"
  ) 2>/dev/null
}

# running PROGRAM: of the rows `PANE TTY`, the panes in which that program runs.
running() {
  while read -r pane tty; do
    ps -o args= -t "${tty#/dev/}" 2>/dev/null | awk -v program="${1##*/}" '
      { for (i = 1; i <= 2; i++) { sub(/.*\//, "", $i); if ($i == program) found = 1 } } END { exit !found }' && printf '%s\n' "$pane"
  done
}

# start: the session, with the panes of job $restores if there are any: their windows, folders and history.
start() {
  # shellcheck disable=SC2016 # for the pane
  shown='exec "${SHELL:-/bin/sh}" -l' old=$in_jobs/$restores.history
  # shellcheck disable=SC2086 # split on purpose
  set -- $keeps ';' set-option @lnode_kind node ';' set-option -q -s exit-empty on ';' set-option -q -s exit-unattached off
  if [ -z "$restores" ] || [ ! -f "$old/panes" ]; then
    ask new-session -d -s "$called" "$@"
    return
  fi
  is_first=yes at='' shape=''
  if [ -n "$resume" ]; then (umask 077 && printf '%s\n' "$resume" >"$old/resume") 2>/dev/null; fi
  while read -r pane window layout pane_folder; do
    [ -n "$pane" ] || continue
    its="\$HOME/.local/state/lnode/in_jobs/$restores.history" goes_on=
    # shellcheck disable=SC2016 # for the pane
    if grep -qx "$pane" "$old/running" 2>/dev/null; then goes_on='"${SHELL:-/bin/sh}" -ic "$(cat "'$its'/resume")"; '; fi
    command="exec /bin/sh -c 'cat \"$its/${pane#%}\"; $goes_on$shown'" pane_folder=$(plain "$pane_folder")
    if [ -n "$is_first" ]; then
      ask new-session -d -P -F '#{pane_id}' -s "$called" -x 200 -y 50 -c "$pane_folder" "$command" "$@" || return
      latest=$rows
      ask move-window -s "$called:" -t "$called:$window" # it may be there already
    elif [ "$window" = "$at" ]; then
      ask split-window -d -P -F '#{pane_id}' -t "$latest" -c "$pane_folder" "$command" ';' select-layout -t "$called:$window" tiled
      latest=$rows
    else
      ask new-window -P -F '#{pane_id}' -t "$called:$window" -c "$pane_folder" "$command"
      latest=$rows
    fi
    is_first='' at=$window shape=$layout
    ask select-layout -t "$called:$window" "$shape" # it fits once all panes of the window are there
  done <<END
$(kept_panes "$restores")
END
  while read -r is window title; do
    case $is in ?0) ask rename-window -t "$called:$window" -- "$(plain "$title")" ;; esac
    case $is in 1?) ask select-window -t "$called:$window" ;; esac
  done <"$old/windows" 2>/dev/null
  [ -z "$is_first" ]
}

trap : USR1 # a short job is sent it at once, and would end by it
carried=$* # the words that have brought this script here
job=$LNODE_JOB after=$LNODE_AFTER
label=lnode-$job
node=$LNODE_NODE
unset LNODE_JOB LNODE_AFTER LNODE_NODE SSH_TTY SSH_CONNECTION SSH_CLIENT SSH_AUTH_SOCK DISPLAY
find_tmux || give_up 'there is no tmux'
enter "$cwd" 2>/dev/null || cd || cd /
make_own_folder in_jobs
find_scheduler
called=$name # in its tmux; the name in the note stays
if [ -n "$after" ]; then take_over "$after"; fi
start || give_up "$rows"
session_with '#{session_name}' "$called" && [ -n "$id" ] || give_up "${rows:-its tmux has ended}"
own="$id $born"
server=${born#*,}
case $server in '' | *[!0-9]*) give_up 'its tmux is too old' ;; esac
if [ -n "$restores" ]; then write_note "$job.restores" "$restores"; fi
now=$(date +%s)
its_version=-
if read_note "$job" && [ $((now - its_asked)) -gt 30 ]; then # it has waited: the first that looks tells you of its start
  ask set-option -t "$name" @lnode_told "waiting-$job" && (umask 077 && echo "waiting-$job -" >"$in_jobs/$job.told")
fi
note="$node $label $own $now ${its_version:--} $name"
if [ -z "$after" ]; then
  if [ -n "$keep_s" ] && [ ! -e "$in_jobs/$job.keep" ]; then write_note "$job.keep" "$((now + keep_s)) $((now - ${its_asked:-$now}))"; fi
  write_note "$job" "$note"
elif claim_session "$after" && { ln "$in_jobs/$after.cluster" "$in_jobs/$job.cluster" || :; } 2>/dev/null && write_note "$job" "$note"; then
  end_old "$after"
else
  if [ -n "$taken" ]; then rm -f "$in_jobs/$after.taken" "$in_jobs/$job.keep"; fi # the session stays where it is
  ask kill-server
  exit 0
fi

at_end=
trap keep_history USR1
trap 'at_end=yes; keep_history; awake=; ask kill-server' TERM # where the scheduler follows parents only, the server would outlive its job
follow &
follower=$!
while kill -s 0 "$server" 2>/dev/null; do
  "$tmux" -L "$label" wait-for "$label" >/dev/null 2>&1 & # returns when the server ends
  waiter=$!
  wait "$waiter"
  kill "$waiter" 2>/dev/null || sleep 1
done
if [ -z "$at_end" ]; then # its last shell was left, so no job follows
  write_note "$job.keep" '0 0'
  if stop_next "$job"; then end_job "$next"; fi
fi
kill "$follower" 2>/dev/null
rm -f "$in_jobs/$job.shown"
if [ -z "$at_end" ] || ! { pass_on "$job" || [ -d "$in_jobs/$job.history" ]; }; then forget_job "$job"; fi
if [ -n "$restores" ]; then forget_job "$restores"; fi
