# shellcheck shell=sh
# Part of every script whose answer is read by lnode: it comes in sections, each behind a line of the nonce and the section's name, so
# that the reader skips what rc files print before and after. `end` is the last one.
section() {
  printf '\n%s %s\n' "$nonce" "$1"
}

# leave SECTION [WORDS]: that is the whole answer, and nothing more is done.
leave() {
  section "$1"
  if [ -n "$2" ]; then printf '%s\n' "$2"; fi
  section end
  exit 0
}

# shellcheck disable=SC2154 # of server.sh; not every script asks tmux
# unasked: the section for a tmux that cannot be asked ($lost, or its words in $rows).
unasked() {
  if [ -n "$lost" ]; then
    section lost-tmux
  else
    section refused-tmux
    printf '%s\n' "$rows" | head -n 20
  fi
}
