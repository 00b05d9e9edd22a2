# shellcheck shell=sh
# After the list: wait for one line on standard input, `SESSION_ID pane|window|behind GRANTED`, and put the request there: into
# the pane that a person would see, if it is a shell at its prompt, else into a window of its own; `behind` is one that is not
# shown. GRANTED is the pid of the pane whose request has its allocation, or 0.
# Anything else starts nothing.
# COLUMNS and LINES are those of the laptop's terminal, or empty.
# values: name command program columns lines
# parts: section tmux server scheduler clients own nodes requests job_notes list_in_jobs runs list

# at_prompt PID: is there from this process down nothing but shells, each the only child of the one above, and is the last of
# them one that was started to be typed into (no script, which may be reading or counting), in the foreground and asleep?
at_prompt() {
  LC_ALL=C ps -u "$me" -o pid= -o ppid= -o stat= -o comm= -o args= | awk -v pid="$1" '
    $3 ~ /^Z/ { next }
    { children[$2]++; child[$2] = $1; stat[$1] = $3; name[$1] = $4; words[$1] = ""
      for (i = 6; i <= NF; i++) words[$1] = words[$1] " " $i }
    END {
      while (1) {
        if (name[pid] !~ /^-?(ba|z|da|k|mk|fi|bsd-c|c|tc|a)?sh(93)?$/) exit 1
        typed = words[pid] ~ /^( (-[abd-zA-Z]+|--[a-z]+))*$/
        if (!children[pid]) exit !(typed && stat[pid] ~ /^S.*[+]/)
        if (children[pid] > 1 || !(typed || words[pid] ~ /^( -[a-z]+)* -[a-z]*c /)) exit 1
        pid = child[pid]
      }
    }'
}

# Is a request that --renew started still asking, though perhaps no scheduler knows of it yet? Its pane forgets it (tmux.py).
is_asked() {
  ask show-options -t "$id:"
  option @lnode_renewed
  asked=$value
  [ -n "$asked" ] || return
  ask list-panes -s -t "$id:" -F '#{pane_id} #{pane_pid}'
  asked_pid=$(printf '%s\n' "$rows" | sed -n "s/^$asked //p")
  [ -n "$asked_pid" ] && [ "$asked_pid" != "$granted" ] && ! at_prompt "$asked_pid"
}

# srun stumbles over a terminal that is resized right after its start: the size is that of the laptop, which comes next.
fit_size() {
  if [ -z "$columns" ] || [ -n "$(clients)" ]; then return; fi
  ask show-options -gv status
  case $rows in
  off) ;;
  [2-5]) lines=$((lines - rows)) ;;
  *) lines=$((lines - 1)) ;;
  esac
  ask set-option -t "$id:" default-size "${columns}x$lines" || return
  ask resize-window -t "$id:" -x "$columns" -y "$lines"
  ask set-option -u -w -t "$id:" window-size
}

# What the screen shows goes up into the history, which a new program in the pane leaves alone.
scroll_up() {
  left=$2
  while [ "$left" -gt 0 ]; do
    echo
    left=$((left - 1))
  done | timeout 2 tee "$1" >/dev/null 2>&1
}

# start_in_pane PANE PID TTY HEIGHT FOLDER. Before 2.6 tmux starts it in the folder of the first program there.
start_in_pane() {
  at_prompt "$2" || return
  scroll_up "$3" "$4"
  ask respawn-pane -k -t "$1" -c "$5" "$command" || ask respawn-pane -k -t "$1" "$command"
}

IFS=' ' read -r want how granted || exit 0
awake=
[ -n "$how" ] || exit 0
everywhere session_with '#{session_name}' "$name"
[ "$id" = "$want" ] || leave renamed
if [ -n "$program" ] && ! knows "$program"; then leave no-program; fi
if is_asked; then leave asked; fi

make_own_folder requests
fit_size
ask list-panes -s -t "$id" -F '#{window_active}#{pane_active} #{pane_id} #{pane_pid} #{pane_tty} #{pane_height}'
row=$(printf '%s\n' "$rows" | sed -n 's/^11 //p')
IFS=' ' read -r pane pid tty height <<END
$row
END
folder_of "$pane"
pane_folder=$(plain "$pane_folder")
started='' where=
if [ "$how" = pane ] && start_in_pane "$pane" "$pid" "$tty" "$height" "$pane_folder"; then
  where=pane started=$pane
elif [ "$how" = behind ]; then
  ask new-window -d -P -F '#{pane_id}' -t "$id:" -c "$pane_folder" "$command" && where=window
else
  ask new-window -P -F '#{pane_id}' -t "$id:" -c "$pane_folder" "$command" && where=window
fi
said=$rows
started=${started:-$rows}
if [ -n "$columns" ]; then ask set-option -u -t "$id:" default-size; fi
if [ -n "$where" ]; then
  ask set-option -t "$id:" @lnode_renewed "$started" ';' set-option -t "$id:" @lnode_kind node ';' set-option -u -t "$id:" @lnode_ended
  section started
  printf '%s\n' "$where"
else
  section failed
  printf '%s\n' "$said"
fi
section end
