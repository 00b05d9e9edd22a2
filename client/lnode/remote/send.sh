# shellcheck shell=sh
# Type into a session.
# Arguments: NONCE  TMUX  NAME  WORD... (see type_in)
nonce=$1

find_pane "$2" '#{session_name}' "$3" ''
shift 3
type_in "$@"
section end
