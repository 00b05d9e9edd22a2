# shellcheck shell=sh
# --run --on SESSION: the list says where that session is, then the run starts inside its allocation.
# parts: section tmux scheduler clients own nodes runs list lasting run
