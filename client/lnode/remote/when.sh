# shellcheck shell=sh
# --when: when would a request start? Asks the scheduler and requests nothing. REQUESTS has a line for each, of plain words; an empty one is not
# asked. After that it waits for one line on standard input, `NUMBER:MINUTES` for each that is to be asked once more with that time limit.
# values: nonce tmux_path requests
# parts: section tmux server scheduler

# ask_when NUMBER LINE: a row NUMBER and what the scheduler says. Once it has been silent, nothing more is asked.
ask_when() {
  number=$1
  if [ "$answer" = silent ]; then return; fi
  set -f
  # shellcheck disable=SC2086 # split on purpose: plain words
  set -- $2
  set +f
  insist "${scheduler}_when" "$@" || answer=silent
  printf '%s\n' "$number $answer"
}

answer=
section host
date +%s
section scheduler
find_scheduler
printf '%s\n' "$scheduler"
if [ -n "$scheduler" ]; then
  section closures
  "${scheduler}_closures"
  section when
  count=0
  while IFS= read -r request; do
    if [ -n "$request" ]; then ask_when "$count" "$request"; fi
    count=$((count + 1))
  done <<END
$requests
END
fi
section end
IFS= read -r again || exit 0
section when
for pair in $again; do
  number=${pair%%:*}
  ask_when "$number" "$(printf '%s\n' "$requests" | sed -n "$((number + 1))p") --time=${pair#*:}"
done
section end
