# shellcheck shell=sh
# Part of setup.sh and site.sh: the options of the program with which a site starts interactive jobs.

# letters_of PROGRAM: the letters that it takes, as getopts has them: `m:` takes a value. Read, never run: it might submit
# something. Scripts name them for getopts, for getopt(1), as patterns of `case`, or for argparse.
letters_of() {
  path=$(command -v "$1") || return
  case $path in
  /*) text=$(head -c 20000 "$path" 2>/dev/null | tr -d '\000') ;;
  *) return ;;
  esac
  letters=$(printf '%s\n' "$text" | sed -n \
    -e '/^[[:space:]]*#/d' \
    -e 's/.*getopts[^A-Za-z:]*\([A-Za-z0-9:]*\).*/\1/p' \
    -e 's/.*getopt .*-o[^A-Za-z:]*\([A-Za-z0-9:]*\).*/\1/p' | head -n 1)
  [ -n "$letters" ] || letters=$(printf '%s\n' "$text" | letters_of_words)
  printf '%s\n' "$letters"
}

# The letters whose long form, if there is one, means the same as with Slurm's own programs.
letters_of_words() {
  awk '
    BEGIN { long["m"] = "--mem"; long["t"] = "--(time|wall)"; long["p"] = "--(part|queue)"; long["g"] = "--(gpu|gres)" }
    function known(its) { return (its in long) && ($0 !~ /--[a-z]/ || $0 ~ long[its]) }
    /^[ \t]*(--[a-z-]+[ \t]*[|][ \t]*)?["\047]?-[A-Za-z]["\047]?[ \t]*[|)]/ {
      match($0, /(^|[^-])-[A-Za-z]/); letter = substr($0, RSTART + RLENGTH - 1, 1)
      if (!known(letter)) letter = ""
    }
    letter != "" && /[$][{]?2/ { printf "%s:", letter; letter = "" }
    /;;/ { letter = "" }
    /add_argument[(].*["\047]-[A-Za-z]["\047]/ && !/store_/ {
      match($0, /["\047]-[A-Za-z]["\047]/); its = substr($0, RSTART + 2, 1)
      if (known(its)) printf "%s:", its
    }'
}
