# shellcheck shell=sh
# --run --on SESSION: the list says where that session is, then the run starts inside its allocation.
# parts: section tmux server scheduler clients own nodes requests job_notes list_in_jobs runs push push_files list lasting run
