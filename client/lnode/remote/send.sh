# shellcheck shell=sh
# Type into a session what a line on standard input has: the words of type_in. An ssh whose connection
# is given up for another one may yet have come here, and has no such line: nothing is typed twice. Nor does ps show it.
# values: nonce tmux_path name
# parts: section tmux server scheduler own job_notes in_job pane

find_pane '#{session_name}' "$name" ''
section end
IFS= read -r words || exit 0
awake=
look || unseen no-session
type_in "$words"
section end
