# shellcheck shell=sh
# First part of the part tmux, and of what a pane runs: the environment of the user's prompt, which only a login shell knows.

# in_login_shell SECONDS COMMAND [LINE]: sets $said to what COMMAND, for a sh, prints in the environment that a prompt has, after LINE for the
# login shell. False if nothing came; then $login_late is yes if that is for want of time. Its rc files may print what they like, and what they
# start may live on. They may replace the shell, which then finds the same lines on its standard input (zsh reads no .zshrc without -i, and many a
# .bashrc returns). It has no terminal, from which it could read or which it could stop.
login_late=''
in_login_shell() {
  LNODE_SAY="unset LNODE_SAY; echo; echo lnode-begun-$$; $2; echo; echo lnode-whole-$$"
  export LNODE_SAY
  set -- "$1" "${3:+$3
}exec /bin/sh -c 'eval \"\$LNODE_SAY\"'"
  for login_flags in '-l -i -c' -l; do
    case $login_flags,${SHELL##*/} in -l?-*,*csh) continue ;; esac # knows no -l with another word
    said=$(
      {
        printf '%s\n' "$2" | start_login_shell "$1" "$2"
        printf '\nlnode-left-%s %s\n' $$ $?
      } 2>/dev/null | sed -n "/^lnode-begun-$$\$/,\$p; /^lnode-whole-$$\$/q; /^lnode-left-$$ /{p;q;}"
    )
    case $said in
    lnode-begun-*"lnode-whole-$$")
      said=${said#"lnode-begun-$$"} said=${said%"lnode-whole-$$"}
      unset LNODE_SAY
      return
      ;;
    *" 124" | *" 137") login_late=yes && { [ "$1" -gt 10 ] || break; } ;; # a question has no time for another try
    esac
  done
  said=
  unset LNODE_SAY
  return 1
}

# start_login_shell SECONDS LINES: by $login_flags, with LINES on standard input. An interactive shell ends by KILL only.
start_login_shell() {
  if ! command -v setsid >/dev/null 2>&1; then login_flags=-l; fi
  # shellcheck disable=SC2086 # split on purpose
  case $login_flags in
  -l) timeout -k 1 "$1" "${SHELL:-/bin/sh}" -l ;;
  *) timeout -k 1 "$1" setsid "${SHELL:-/bin/sh}" $login_flags "$2" ;;
  esac
}
