# shellcheck shell=sh
# The attach line where sessions live in jobs: session.sh, which starts a session by start_in_job.
# parts: tmux server scheduler own nodes requests lasting job_notes in_job queue start_in_job session
