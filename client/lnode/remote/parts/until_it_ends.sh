# shellcheck shell=sh
# Part of doctor.sh and site.sh: what a login shell prints.

# until_it_ends COMMAND...: what it prints. A program that its rc files have left running may hold the output for ever, so a line tells the end.
until_it_ends() {
  { "$@"; printf '\nlnode-left\n'; } 2>/dev/null | sed -n '/^lnode-left$/q;p'
}
