# shellcheck shell=sh
# Let a session in a job outlive it, or no longer: UNTIL is an epoch of the laptop's time from now in seconds, 0 for no longer. What follows is asked for by
# the job's own batch script (parts/successor.sh).
# values: nonce tmux_path name for_s
# parts: section tmux server scheduler own job_notes in_job

if ! find_job "$name"; then
  section none
  section end
  exit 0
fi
ask_job
case $state in
waits | runs) ;;
*) no_way "$state" || section none ;;
esac
if [ "$for_s" -gt 0 ]; then
  read_keep "$job" || waited_s=0
  section kept
  write_note "$job.keep" "$(($(date +%s) + for_s)) $waited_s" && read_keep "$job" && printf '%s\n' "$keep_until"
else
  section stopped
  rm -f "$in_jobs/$job.keep"
  if read_next "$job"; then
    find_scheduler
    program=$(of cancels)
    need "$program" "$(every module)" && timeout 20 "$program" "$next" 2>&1
    printf 'cancelled %s\n' "$next"
    rm -f "$in_jobs/$job.next"
  fi
fi
section end
