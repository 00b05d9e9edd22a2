# shellcheck shell=sh
# The attach line where sessions live in jobs: session.sh, which starts a session by start_in_job.
# parts: tmux server scheduler own nodes requests lasting in_jobs queue start_in_job session
