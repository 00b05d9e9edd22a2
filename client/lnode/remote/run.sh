# shellcheck shell=sh
# Start a run: all that can be refused is refused before anything runs. Where it is for a session's allocation (ON), list.sh has
# answered, and one line is waited for: the job. Anything else starts nothing.
# WORDS are the command as a POSIX shell would read it.
# The line after that is the URL for the message about the end, or nothing.
# values: nonce name id cwd words on alias keeper_text
# parts: section tmux server scheduler own runs discard lasting push push_files
job='' new=$runs/$name.new

# full WORDS: the folder of runs takes nothing.
full() {
  rm -rf "$new"
  leave unwritable "$1"
}

if [ -n "$on" ]; then
  IFS= read -r job
  [ -n "$job" ] || exit 0
fi
section host
uname -n
if [ -z "$on" ]; then
  section end
  IFS= read -r _ || exit 0 # see send.sh
fi
IFS= read -r url || exit 0
mask=$(umask)
umask 077
if ! make_own_folder runs; then
  if [ -n "$said" ]; then leave unwritable "$said"; fi
  leave distrusted
fi
said=$(enter "$cwd" 2>&1 && pwd) || leave no-folder "$said"
cwd=$said
have setsid || leave no-setsid
unsent=
if [ -n "$url" ]; then
  if ! find_poster; then unsent=no-poster; elif ! keep_push "$alias" "$url" -; then unsent=no-push; fi
  if [ -n "$unsent" ]; then url=; fi
fi
step=
if [ -n "$job" ]; then find_step "$job" '' "lnode-$id" || leave no-step; fi
read_run "$runs/$name"
if [ -n "$others_cluster" ]; then leave other-cluster "$others_cluster"; fi
find_cluster
case $state in running | elsewhere) leave "$state" "$(row_of "$name")" ;; esac
if [ -n "$(find "$new" -prune -mmin +2 2>/dev/null)" ]; then discard "$new" "$runs/$name.old-$id-new"; fi # nobody starts it any more
if ! said=$(mkdir "$new" 2>&1); then
  if [ -d "$new" ]; then leave starting; fi
  leave unwritable "$said"
fi
chmod 700 "$new" 2>/dev/null # whatever a default ACL says
said=$({ printf '%s\n' "$words" >"$new/command" && : >"$new/log" && echo "$id" >"$new/id"; } 2>&1) || full "$said"
[ "$(cat "$new/command")" = "$words" ] || full 'no space left on device'

find_lasting

# start_keeper FLAGS: from a login shell, which brings the environment that you would have there. What it reads means the same to sh,
# csh and fish; a program in its place finds the same line on its standard input. It leads a session, whose number is in $shells.
# shellcheck disable=SC2016 # for that shell
start_keeper() {
  set -- "$1" "exec /bin/sh -c 'eval \"\$LNODE_KEEPER\"'"
  printf '%s\n' "$2" | (
    umask "$mask" # which a profile may change
    export LNODE_KEEPER="$keeper_text" LNODE_PART=keeper LNODE_NEW="$new" LNODE_RUN="$runs/$name" LNODE_ID="$id"
    export LNODE_CWD="$cwd" LNODE_JOB="$job" LNODE_ON="$on" LNODE_STEP="$step" LNODE_CLUSTER="$cluster" LNODE_PUSH="${url:+yes}"
    case $1 in *-c) ;; *) set -- "$1" ;; esac
    flags=$1
    shift
    # shellcheck disable=SC2086 # split on purpose
    exec $lasting setsid "${SHELL:-/bin/sh}" $flags "$@"
  ) >/dev/null 2>&1 &
  shells="$shells $!"
}

# is_still_mine: is the folder still this start's? Another one takes it over after two minutes.
is_still_mine() {
  [ "$(cat "$new/id" 2>/dev/null)" = "$id" ]
}

# end_shells: all that were started and have not become the keeper, as one whose rc files hang at a prompt. The keeper may be a child of one,
# whose rc file starts another shell.
end_shells() {
  group=$(ps -o pgid= -p "${keeper:-0}" 2>/dev/null | tr -d ' ')
  for shell in $shells; do
    if [ "$shell" != "$keeper" ] && [ "$shell" != "$group" ]; then kill -s KILL -- "-$shell" 2>/dev/null; fi
  done
}

# none_lives: have all that were started ended before they became the keeper?
none_lives() {
  for shell in $shells; do
    if kill -s 0 "$shell" 2>/dev/null; then return 1; fi
  done
  [ -d "$new" ] && [ ! -e "$new/begun" ]
}

# Zsh reads .zshrc for a prompt only, and many a .bashrc returns elsewhere. If that shell ends, or takes its time, one without a prompt
# is started beside it, and the first that comes so far becomes the keeper (keeper.sh).
shells='' keeper='' plain=-l
case ${SHELL##*/} in
*csh) start_keeper -l && plain= ;; # it knows no -l with another word
*) start_keeper '-l -i -c' ;;
esac
tries=940 # the first 90 within two seconds
until { read -r run _ <"$runs/$name/started"; } 2>/dev/null && [ "$run" = "$id" ]; do
  if [ -n "$plain" ] && { none_lives || { [ "$tries" -le 768 ] && [ ! -e "$new/begun" ]; }; }; then
    start_keeper "$plain"
    plain=
  elif none_lives; then
    tries=1
  fi
  if [ -e "$new/refused" ] && is_still_mine; then
    end_shells
    rm -rf "$new"
    leave no-program
  fi
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then
    end_shells
    if is_still_mine; then rm -rf "$new"; fi
    leave not-started
  fi
  if [ "$tries" -gt 850 ]; then pause_s=0.02; else pause_s=0.1; fi
  sleep "$pause_s" 2>/dev/null || sleep 1
done
read_run "$runs/$name"
end_shells
section started
row_of "$name"
if [ -n "$unsent" ]; then section "$unsent"; fi
section end
