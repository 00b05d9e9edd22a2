# shellcheck shell=sh
# Let a session in a job outlive it for FOR_S seconds from now, or no longer (0). What follows is asked for by the job's own batch script
# (parts/successor.sh).
# values: nonce tmux_path name for_s
# parts: section tmux server scheduler own job_notes in_job

find_job "$name" || leave none
ask_job
case $state in waits | runs) ;; *) no_way "$state" || leave none ;; esac
if [ "$for_s" -gt 0 ]; then
  read_keep "$job" || waited_s=0
  section kept
  write_note "$job.keep" "$(($(date +%s) + for_s)) $waited_s" && read_keep "$job" && printf '%s\n' "$keep_until"
  section end
  exit 0
fi
next=''
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  find_job "$name" || break
  write_note "$job.keep" '0 0' || break
  if stop_next "$job" || [ ! -e "$in_jobs/$job.taken" ]; then break; fi
  sleep 1 # the job that follows has taken the session over just now: it is the one to stop
done
find_job "$name"
if [ -n "$job" ] && read_keep "$job"; then leave refused; fi
if [ "$state" = waits ] && find_before "$job"; then # what it follows has ended
  next=$job
  forget_job "$before"
fi
section stopped
if [ -n "$next" ]; then
  printf 'follows %s\n' "$next"
  program=$(of cancels)
  need "$program" "$(every module)" && timeout 20 "$program" "$next" 2>&1 && printf 'cancelled %s\n' "$next"
fi
section end
