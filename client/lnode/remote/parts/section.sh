# shellcheck shell=sh
# Part of every script whose answer is read by lnode: it comes in sections, each behind a line of the nonce and the section's name, so
# that the reader skips what rc files print before and after. `end` is the last one.
section() {
  printf '\n%s %s\n' "$nonce" "$1"
}
