# shellcheck shell=sh
# The attach line where sessions live in jobs: session.sh, which starts a session by start_in_job.
# parts: tmux server scheduler own nodes requests lasting job_notes in_job queue bring_back attach_in_job start_in_job session
