# shellcheck shell=sh
# --init: what an interactive session needs to know of the site. Changes nothing, submits nothing.
# values: nonce tmux_path programs
# parts: section tmux server scheduler letters until_it_ends

# hands_on PROGRAM: does the site's script hand on its words to a program that asks the scheduler?
hands_on() {
  path=$(command -v "$1")
  case $path in
  /*) head -c 20000 "$path" 2>/dev/null | tr -d '\000' | grep -qE "^[^#]*\\<($(every requesters | tr ' ' '|'))\\>.*[$][@*]" ;;
  *) false ;;
  esac
}

# find_program: sets $program to the first of $programs that is here.
find_program() {
  for program in $programs; do have "$program" && return; done
  program=
  return 1
}

# The one that is a function or an alias of the login shell, which will read the request.
function_of_shell() {
  until_it_ends timeout -k 1 10 "${SHELL:-/bin/sh}" -l -c "type $programs" </dev/null |
    sed -nE "s/^($(printf %s "$programs" | tr ' ' '|')) is .*(function|alias).*/\\1/p" | head -n 1
}

section host
uname -n
section shell
printf '%s\n' "${SHELL##*/}"
section tmux
if find_tmux; then "$tmux" -V 2>&1; fi
section scheduler
find_scheduler
printf '%s\n' "$scheduler"
if [ -n "$scheduler" ]; then
  section queues
  insist "${scheduler}_queues" || section queues-silent
fi
section program
find_program || { take_login_path "module load $(every module)"; find_program; } || program=$(function_of_shell)
if [ -n "$program" ]; then
  handed=no
  if hands_on "$program"; then handed=yes; fi
  printf '%s\n' "$program $handed -$(letters_of "$program")"
fi
if [ -n "$login_late" ]; then section late; fi
section end
