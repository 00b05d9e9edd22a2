# shellcheck shell=sh
# After the list: wait for one line on standard input, `SESSION_ID pane|window|behind`, and put the request there: into the pane
# that a person would see, if it is a shell at its prompt, else into a window of its own; `behind` is one that is not shown.
# Anything else starts nothing.
# Arguments: those of list.sh, then NAME  COMMAND  PROGRAM  COLUMNS  ROWS (of the laptop's terminal, or empty)
name=$5 command=$6 program=$7 columns=$8 lines=$9

# Does nothing run in this shell? Then it is one, and so is each of the only children that lead to it.
at_prompt() {
  leaf=$1
  while :; do
    case $(ps -o comm= -p "$leaf" 2>/dev/null) in
    sh | bash | zsh | dash | ash | ksh | ksh93 | mksh | fish | csh | tcsh | bsd-csh) ;;
    *) return 1 ;;
    esac
    below=$(ps -A -o ppid= -o pid= -o stat= | while read -r parent child state; do
      if [ "$parent" = "$leaf" ]; then case $state in Z*) ;; *) echo "$child" ;; esac; fi
    done)
    case $below in
    '') return ;;
    *[!0-9]*) return 1 ;; # more than one
    esac
    leaf=$below
  done
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

IFS=' ' read -r want how || exit 0
[ -n "$how" ] || exit 0
session_with '#{session_name}' "$name"
if [ "$id" != "$want" ]; then
  section renamed
  section end
  exit 0
fi
if [ -n "$program" ] && ! knows "$program"; then
  section no-program
  section end
  exit 0
fi

fit_size
ask list-panes -s -t "$id" -F '#{window_active}#{pane_active} #{pane_id} #{pane_pid} #{pane_tty} #{pane_height} #{pane_current_path}'
row=$(printf '%s\n' "$rows" | sed -n 's/^11 //p')
# shellcheck disable=SC2162 # a folder may hold anything but a newline
read -r pane pid tty height folder <<END
$row
END
folder=$(printf '%s\n' "$folder" | sed 's/#/##/g')
where=
if [ "$how" = pane ] && start_in_pane "$pane" "$pid" "$tty" "$height" "$folder"; then
  where=pane
elif [ "$how" = behind ]; then
  ask new-window -d -t "$id:" -c "$folder" "$command" && where=window
else
  ask new-window -t "$id:" -c "$folder" "$command" && where=window
fi
said=$rows
if [ -n "$columns" ]; then ask set-option -u -t "$id:" default-size; fi
if [ -n "$where" ]; then
  ask set-option -t "$id:" @lnode_kind node ';' set-option -u -t "$id:" @lnode_ended
  section started
  printf '%s\n' "$where"
else
  section failed
  printf '%s\n' "$said"
fi
section end
