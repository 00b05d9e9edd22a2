# shellcheck shell=sh
# A session that its login node lost, while its job lives: the command of a new one, which leads into that job again.

# bring_back: sets $command to one that leads to the shell in job $orphan again, or starts another one there, and says which. The job ends
# with that shell, as it would have before; if its own shell may live on, or anything else that was started there, it does not.
# shellcheck disable=SC2154 # of x_back, and of the part scheduler
bring_back() {
  "${scheduler}_back" "$orphan" || exit 118
  kind=node program='' queue='' back='' why='the one before is gone'
  if [ -n "$waits" ]; then
    queue="echo \"lnode: job $orphan waits in the queue; its shell will start here\"; $until;"
    why='it had none so far'
  fi
  if [ -n "$same$lives" ]; then why='the one before cannot be reached'; fi
  if [ -n "$same" ]; then
    # sattach does not tell the shell the size of this window, so a step beside it does, and again after each change.
    fit="printf %s $(printf %s "$fits" | base64 | tr -d '\n') | base64 -d | $step sh -s \$(stty size </dev/tty) >/dev/null 2>&1"
    back="tell \"back in the same shell of job $orphan\"; fit() { $fit; }; { trap fit WINCH; fit; while :; do sleep 1000 & wait \$!; done; } 2>/dev/null & fits=\$!;\
 { said=\$($same 2>&1 >&3 3>&-); } 3>&1; case \$?,\$said in 0,* | *\"task 0\"*) over=yes ;; *) echo \"\$said\" ;; esac; kill \$fits;"
  fi
  known=$(env | grep -E "^(X$variables)_[A-Z0-9_]*=[A-Za-z0-9_/.:,=-]*\$" | sed 's/^/export /; s/$/;/')
  # What the shell has shown may hide the first lines: the status line says it too.
  command="$known tell() { echo \"lnode: \$1\"; { sleep 1; \"$tmux\" display-message -d 4000 \"lnode: \$1\" || \"$tmux\" display-message \"lnode: \$1\"; }\
 >/dev/null 2>&1 & }; note=\$HOME/.local/state/lnode/requests; rm -f \"\$note/${note##*/}\"; note=\$note/$this_node.\$\$;"
  command="$command (umask 077; echo \"\$(date +%s) $orphan $name\" >\"\$note\"; chmod 600 \"\$note\"); over=; $queue $back"
  command="$command if [ -z \"\$over\" ]; then begun=\$note.\$(date +%s).begun; tell \"a new shell in job $orphan: $why\";"
  # A step that has not begun says nothing about the job, however long it took: the scheduler or the node may only be slow.
  command="$command $fresh /bin/sh -c \": >\\\"\\\$0\\\"; exec \\\"\\\$@\\\"\" \"\$begun\" \"\${SHELL:-/bin/sh}\" -l;"
  command="$command case \"\$?,$same$lives\" in 0,) over=yes ;; *,) if [ -e \"\$begun\" ]; then over=yes; fi ;; esac; rm -f \"\$begun\"; fi; echo;"
  command="$command if [ -n \"\$over\" ]; then $ends; rm -f \"\$note\"; \"$tmux\" set-option -t \"\$TMUX_PANE\" @lnode_ended \"$orphan - \$(date +%s)\";"
  command="$command how=\"has ended\"; what=\"a new allocation in this session, from your laptop: lnode HOST $name --renew\";"
  command="$command else how=\"goes on\"; what=\"end that job, from your laptop: lnode HOST $name --kill\"; fi;"
  command="$command echo \"lnode: job $orphan \$how. This shell is on the login node \$(uname -n), on no compute node.\";"
  command="$command echo \"lnode: \$what\"; echo; exec \"\${SHELL:-/bin/sh}\" -l"
  command="exec /bin/sh -c '$(printf %s "$command" | tr '\n' ' ')'"
}
