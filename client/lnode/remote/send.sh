# shellcheck shell=sh
# Type into a session what a line on standard input has: the words of type_in. An ssh whose connection
# is given up for another one may yet have come here, and has no such line: nothing is typed twice. Nor does ps show it.
# Arguments: NONCE  TMUX  NAME
# parts: tmux pane
nonce=$1

find_pane "$2" '#{session_name}' "$3" ''
section end
IFS= read -r words || exit 0
look || unseen no-session
type_in "$words"
section end
