# shellcheck shell=sh
# Part of the batch script of a session in a job: what its tmux shows, for the lists of login nodes, which make no step. In the home stand
# JOB.shown, beside the note of the job, and `wanted`, for all of them: the format of a row about a pane, then the signs of the screens to show
# (screens.sh).

# show_job: writes the rows of panes and the screens of agents, if a list has asked for them and they are not the same as before.
show_job() {
  is_own "$in_jobs/wanted" || return
  { read -r panes_format <"$in_jobs/wanted"; } 2>/dev/null && signs=$(sed 1d "$in_jobs/wanted") || return
  awake=
  ask list-panes -a -F "$panes_format" || return
  panes=$rows of_shown=''
  find_shown
  # shellcheck disable=SC2086 # split on purpose
  shown=$(printf '%s\n' "$panes" && show_screens $of_shown)
  if [ "$shown" = "$shown_before" ]; then return; fi
  shown_before=$shown
  if [ -e "$in_jobs/$job" ]; then write_note "$job.shown" "$shown"; fi
}
