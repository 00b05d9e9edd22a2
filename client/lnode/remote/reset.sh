# shellcheck shell=sh
# Thaw a frozen screen with what tmux can do; each thing done is a section. No program is ended, no text is typed.
# values: nonce tmux_path name
# parts: section tmux server scheduler own job_notes in_job pane

find_pane '#{session_name}' "$name" ''
if [ "$dead" != 0 ]; then leave dead; fi
leave_modes
me=${me:-$(id -u)} # a container has ttys of the same number, with other users' processes

# Ctrl-S stops the output until Ctrl-Q. Where the pane's tty does not know them Ctrl-Q would be a key for the program, unless
# that passes all keys on to a tty elsewhere which does: the compute node's.
case $(stty -a -F "$tty" 2>/dev/null || stty -a -f "$tty" 2>/dev/null) in
*" -ixon"*)
  # Who has the screen to itself, an editor, has its keys too.
  [ "$alternate" = 0 ] && ps -o uid= -o stat= -o comm= -t "${tty#/dev/}" 2>/dev/null | awk -v me="$me" -v relays=" ssh $(every relays) " '
    { sub(/.*\//, "", $3) }
    $1 == me && $2 ~ /[+]/ && index(relays, " " $3 " ") { passes = 1 }
    END { exit !passes }'
  ;;
esac && [ "$synchronized" = 0 ] && if ask send-keys -t "$pane" C-q; then section flow; fi

ask send-keys -R -t "$pane" || refused
section terminal

# The screen is empty now: whatever is in the foreground draws it again, as after another size of the window.
pids=$(ps -o uid= -o pid= -o stat= -t "${tty#/dev/}" 2>/dev/null | sed -n "s/^ *$me  *\([0-9]*\) .*+.*/\1/p")
# shellcheck disable=SC2086 # split on purpose: process ids
if [ -n "$pids" ] && kill -WINCH $pids 2>/dev/null; then section drawn; fi

ask list-clients -t "$id" -F '#{client_tty}' && for client in $rows; do
  case $client in
  /*) if ask refresh-client -t "$client"; then section refreshed; fi ;;
  esac
done
section end
