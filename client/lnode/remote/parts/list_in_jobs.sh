# shellcheck shell=sh
# Part of the list: the sessions in jobs, from the notes in the home and what the scheduler has said. No step is made for that.

# list_in_jobs: a row `JOB NODE ID BORN ASKED TOLD WARNED NAME` for each note, `JOB history` if the home has that of its panes, and `JOB kept
# UNTIL` if another job is to follow, and `JOB refused WORDS` if the scheduler does not want that. $jobs is what the scheduler has said. What has
# ended goes, if it is not to be told.
# shellcheck disable=SC2030,SC2031,SC2154 # a subshell on purpose; of list.sh
list_in_jobs() {
  own_folder in_jobs || return 0
  section in-jobs
  for file in "$in_jobs"/[0-9]*; do
    number=${file##*/} told=- warned=-
    case $number in *[!0-9]*) continue ;; esac
    if ! read_note "$number" || ! is_here "$number"; then continue; fi
    if is_over_in_job; then
      forget_job "$number"
      continue
    fi
    if is_own "$file.told"; then { read -r told warned <"$file.told"; } 2>/dev/null; fi
    printf '%s\n' "$number $its_node $its_id $its_born $its_asked ${told:--} ${warned:--} $its_name"
    if [ -f "$file.history/panes" ]; then printf '%s\n' "$number history"; fi
    if read_keep "$number"; then printf '%s\n' "$number kept $keep_until"; fi
    if is_own "$file.refused"; then printf '%s\n' "$number refused $(head -n 1 "$file.refused")"; fi
  done | head -n 800
}

# show_in_jobs: a section for each job that has the session: what its panes show (shown_in_job.sh), 50 jobs at most. The batch scripts hear what
# is wanted.
# shellcheck disable=SC2154 # of list.sh
show_in_jobs() {
  own_folder in_jobs || return 0
  wanted="$panes_format
$signs"
  if [ -n "$signs" ] && [ "$(cat "$in_jobs/wanted" 2>/dev/null)" != "$wanted" ]; then write_note wanted "$wanted"; fi
  number_shown=0
  for file in "$in_jobs"/[0-9]*.shown; do
    number=${file##*/}
    number=${number%.shown}
    if ! is_own "$file" || ! is_here "$number"; then continue; fi
    case $jobs in *"
$number "*) ;; *)
      if has_answered; then rm -f "$file"; fi
      continue
      ;;
    esac
    section "shown-$number"
    head -c 8000 "$file"
    echo
    number_shown=$((number_shown + 1))
    if [ "$number_shown" -ge 50 ]; then break; fi
  done
}

# shellcheck disable=SC2031,SC2154 # as above
is_over_in_job() {
  has_answered || return
  case $jobs in *"
$number "*) return 1 ;; esac
  if [ -n "$its_cluster" ]; then
    ask_cluster
    is_same_cluster "$its_cluster" "$cluster_there" || return # it is not known whose jobs these are
  fi
  if has_successor; then return 1; fi
  case $its_asked in '' | *[!0-9]*) return 1 ;; esac
  if [ -f "$file.history/panes" ]; then [ $((clock - its_asked)) -gt 7776000 ]; else [ $((clock - its_asked)) -gt 60 ]; fi
}

# has_answered: has the scheduler said which jobs there are?
# shellcheck disable=SC2031,SC2154 # as above
has_answered() {
  case $jobs in
  *"$nonce scheduler-silent"*) return 1 ;;
  *"$nonce jobs
"*) ;;
  *) return 1 ;;
  esac
}

# has_successor: its session waits for the job that follows; that is noted, if nobody has done so.
# shellcheck disable=SC2031 # as above
has_successor() {
  read_next "$number" || return
  case $jobs in *"
$next "*) pass_on "$number" && read_note "$number" ;; *) return 1 ;; esac
}

# note_made_by_hand: a note for each session that you have started in a batch job yourself, as by sbatch --wrap 'tmux -L x new -d; tmux -L x wait
# end'. The script of a job is asked for once, and only if the job has the name of such a script, or one with tmux in it; 5 of them in a list.
# shellcheck disable=SC2030,SC2031,SC2154 # as above
note_made_by_hand() {
  case $jobs in *wrap* | *tmux*) scheduler_on_path && have "${scheduler}_script" || return 0 ;; *) return 0 ;; esac
  number_asked=0
  printf '%s\n' "$jobs" | awk '$1 ~ /^[0-9]+$/ && $3 == 1 && $5 == "RUNNING" && $NF ~ /^wrap$|tmux/ { print $1, $4 }' | while read -r number asked; do
    if [ -e "$in_jobs/$number" ] || [ -e "$in_jobs/$number.plain" ]; then continue; fi
    make_own_folder in_jobs || break
    number_asked=$((number_asked + 1))
    if [ "$number_asked" -gt 5 ]; then break; fi
    script=$("${scheduler}_script" "$number") || break
    made=$(printf '%s\n' "$script" | sed -n 's/.*tmux .*-L *\([A-Za-z0-9_-]\{1,80\}\) .*new.*/\1/p' | head -n 1)
    its=$(printf '%s\n' "$script" | sed -n 's/.*tmux .*new.* -s *\([A-Za-z0-9_-]\{1,80\}\).*/\1/p' | head -n 1)
    if [ -n "$made" ]; then
      note_cluster "$number"
      write_note "$number" "- $made - - $asked - ${its:-$made}"
    else
      (umask 077 && : >"$in_jobs/$number.plain") 2>/dev/null
    fi
  done
  for file in "$in_jobs"/*.plain; do
    number=${file##*/}
    case $jobs in *"
${number%.plain} "*) ;; *) rm -f "$file" ;; esac
  done
}
