# shellcheck shell=sh
# Part of setup.sh and site.sh: the options of the program with which a site starts interactive jobs.

# letters_of PROGRAM: the letters that it takes, as getopts has them. Read, never run: it might submit something.
letters_of() {
  path=$(command -v "$1") || return
  case $path in
  /*) head -c 20000 "$path" 2>/dev/null | tr -d '\000' | sed -n 's/.*getopts[^A-Za-z:]*\([A-Za-z0-9:]*\).*/\1/p' | head -n 1 ;;
  esac
}
