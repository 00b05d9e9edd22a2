# shellcheck shell=sh
# Type into a session, once a line has arrived on standard input: an ssh whose connection is given up for another one may yet
# have come here, and nothing is typed twice.
# Arguments: NONCE  TMUX  NAME  WORD... (see type_in)
nonce=$1

find_pane "$2" '#{session_name}' "$3" ''
shift 3
section end
IFS= read -r _ || exit 0
look || leave no-session
type_in "$@"
section end
