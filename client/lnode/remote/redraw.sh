# shellcheck shell=sh
# client.sh with `refresh`: the only one of its questions that has to go to the node of a session in a job.
# parts: section tmux server scheduler own job_notes in_job login client
