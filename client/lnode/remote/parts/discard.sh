# shellcheck shell=sh
# Part of the scripts that make room for a run.

# discard FOLDER ASIDE: removes it, or moves it to ASIDE. False if it is still there. On NFS a file that a process has open stays in
# its folder (.nfs...), and mv would put the next folder of that name into this one.
discard() {
  rm -rf "$1" 2>/dev/null
  [ ! -e "$1" ] || mv "$1" "$2"
}
