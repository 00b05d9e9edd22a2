# shellcheck shell=sh
# Part of the list: the sessions in jobs, from the notes in the home and what the scheduler has said. No step is made for that.

# list_in_jobs: a row `JOB NODE ID BORN ASKED TOLD WARNED NAME` for each note, and `JOB history` if the home has that of its panes. $jobs is what the
# scheduler has said. What has ended goes, if it is not to be told.
# shellcheck disable=SC2030,SC2031,SC2154 # a subshell on purpose; of list.sh
list_in_jobs() {
  own_folder in_jobs || return 0
  section in-jobs
  for file in "$in_jobs"/[0-9]*; do
    number=${file##*/} told=- warned=-
    case $number in *[!0-9]*) continue ;; esac
    read_note "$number" || continue
    if is_over_in_job; then
      forget_job "$number"
      continue
    fi
    if is_own "$file.told"; then { read -r told warned <"$file.told"; } 2>/dev/null; fi
    printf '%s\n' "$number $its_node $its_id $its_born $its_asked ${told:--} ${warned:--} $its_name"
    if [ -f "$file.history/panes" ]; then printf '%s\n' "$number history"; fi
  done | head -n 400
}

# shellcheck disable=SC2031,SC2154 # as above
is_over_in_job() {
  case $jobs in *"$nonce scheduler-silent"* | *"
$number "*) return 1 ;; esac
  case $jobs in *"$nonce jobs"*) ;; *) return 1 ;; esac
  case $its_asked in '' | *[!0-9]*) return 1 ;; esac
  if [ -f "$file.history/panes" ]; then [ $((clock - its_asked)) -gt 7776000 ]; else [ $((clock - its_asked)) -gt 60 ]; fi
}
