# shellcheck shell=sh
# A run's keeper, and what becomes its command: run.sh starts it in the environment of a login shell, with nothing to read and nobody to hang it
# up. The keeper has a session of its own, the command another, so that --kill can end all of that and the keeper lives to write down the exit
# code. In LNODE_...: KEEPER this text, NEW and RUN the folders, ID, CWD, JOB, ON, STEP (words), CLUSTER, PUSH (tell your phone of the end).
# parts: discard gpus push

# As in runs.sh: pid and when it began, or only something that no other process has.
birth() {
  if read -r stat <"/proc/$1/stat"; then
    set -f
    # shellcheck disable=SC2086 # split on purpose
    set -- ${stat##*\) }
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" | tr -s ' ' _
  fi
}

keep() {
  cd "$LNODE_NEW" && [ "$(cat id)" = "$LNODE_ID" ] || exit # a login shell may take so long that nobody waits any more
  mkdir begun || exit # another login shell was faster
  trap '' HUP
  trap : TERM INT # the command's business; this is to live on
  exec </dev/null >>log 2>/dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
  words=$(cat command) run=$LNODE_RUN id=$LNODE_ID
  cd -- "$LNODE_CWD" || exit
  # shellcheck disable=SC2016 # for the new shell
  LNODE_PART='command' setsid /bin/sh -c "set -- $words"'; eval "$LNODE_KEEPER"' 2>&1
  code=$?
  case $(cat "$run/started") in "$id "*) ;; *) exit ;; esac # or it was never started
  umask 077
  # Where the home is full now, it may not be so for ever.
  until now=$(date +%s) && printf '%s\n' "$code $now" >"$run/ended.new" && [ "$(cat "$run/ended.new")" = "$code $now" ] &&
    mv "$run/ended.new" "$run/ended"; do
    [ -d "$run" ] || exit
    sleep 30
  done 2>/dev/null
  if [ -n "$LNODE_PUSH" ]; then
    for wait_s in 0 30 120; do
      sleep "$wait_s"
      push "run ${run##*/} has ended: exit code $code" && break
    done
  fi
}

become() {
  new=$LNODE_NEW mask=$(umask)
  umask 077
  if [ -z "$LNODE_JOB" ] && ! command -v -- "$1" >/dev/null 2>&1; then
    : >"$new/refused"
    exit 127
  fi
  if command -v stdbuf >/dev/null 2>&1 && [ -z "$LNODE_JOB" ]; then set -- stdbuf -oL "$@"; fi
  if [ -n "$LNODE_JOB" ]; then
    # shellcheck disable=SC2016 # for the shell on the node
    set -- /bin/sh -c "LNODE_JOB='$LNODE_JOB'; for row in \$($gpus_of_shell"'); do export "${row?}"; done
      if command -v stdbuf >/dev/null 2>&1; then set -- stdbuf -oL "$@"; fi; exec "$@"' sh "$@"
    # shellcheck disable=SC2086 # split on purpose: words
    set -- $LNODE_STEP "$@"
  fi
  printf '%s %s %s %s %s %s %s %s %s %s\n' "$LNODE_ID" "$(uname -n)" $$ "$(birth $$)" "$PPID" "$(birth "$PPID")" \
    "$(date +%s)" "${LNODE_JOB:--}" "$(printf %s "${LNODE_ON:--}" | tr -s ' ' _)" "$LNODE_CLUSTER" >"$new/started.new" &&
    mv "$new/started.new" "$new/started" || exit
  rm -rf "$LNODE_RUN".old-* 2>/dev/null
  discard "$LNODE_RUN.1" "$LNODE_RUN.old-$LNODE_ID" || exit
  if [ -e "$LNODE_RUN" ]; then mv "$LNODE_RUN" "$LNODE_RUN.1" || exit; fi
  mv "$new" "$LNODE_RUN" || exit
  rmdir "$LNODE_RUN/begun" # not sooner: another login shell would begin, too, and put this run aside
  umask "$mask"
  PYTHONUNBUFFERED=1
  export PYTHONUNBUFFERED
  unset LNODE_KEEPER LNODE_PART LNODE_NEW LNODE_RUN LNODE_ID LNODE_CWD LNODE_JOB LNODE_ON LNODE_STEP LNODE_CLUSTER LNODE_PUSH
  exec "$@"
}

if [ "$LNODE_PART" = keeper ]; then keep; else become "$@"; fi
