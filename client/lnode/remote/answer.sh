# shellcheck shell=sh
# Show the screens of a session's panes, then answer the question on one of them: the line `PANE KEY` or `PANE KEY Enter` on standard
# input. If any of the screens has changed since they were shown, nothing is typed: the section is `changed`. `taken`: then the screens
# changed, so the key did something.
# values: nonce tmux_path name signs
# parts: section tmux server scheduler own job_notes in_job pane screens

find_pane '#{session_name}' "$name" ''
session_screens || unseen no-session
shown=$rows
section screens
printf '%s\n' "$shown"
section end
IFS= read -r line || exit 0
case $line in
%[0-9]*' '[A-Za-z0-9] | %[0-9]*' '[A-Za-z0-9]' Enter') ;;
*) exit 0 ;;
esac
awake=
pane=${line%% *}
words=${line#* }
look || unseen no-session
if [ "$in_mode" != 0 ]; then leave_modes; fi
session_screens || unseen no-session
if [ "$rows" != "$shown" ]; then leave changed; fi
case $words in
*' Enter') type_in "k${words%% *} kEnter" ;;
*) type_in "k$words" ;;
esac
differs=
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  sleep 0.25 2>/dev/null || sleep 1
  session_screens || leave taken
  if [ "$rows" = "$shown" ]; then
    differs=
  elif [ -n "$differs" ]; then # not only while it is drawn again
    leave taken
  else
    differs=yes
  fi
done
section end
