# shellcheck shell=sh
# Part of sshd.sh: what the shells behind it are told of their connection.

# key_command: an option of the key that may enter (sshd(8), command=), or nothing where this login has no connection. An sshd on
# standard input and output has no socket, and tells its shells SSH_CONNECTION=UNKNOWN..., after all that the key's environment= and
# SetEnv say (session.c, do_setup_env). So they begin with a command that tells the connection of this login, and then does what was
# asked: in the shell itself, which has read its rc files, where its language is that of sh.
key_command() {
  case $SSH_CONNECTION in '' | *[!0-9A-Za-z:.%\ -]*) return ;; esac
  set -f
  # shellcheck disable=SC2086 # split on purpose: both ends
  set -- $SSH_CONNECTION
  set +f
  tells="SSH_CONNECTION=\"$*\" SSH_CLIENT=\"$1 $2 $4\"; export SSH_CONNECTION SSH_CLIENT; "
  # shellcheck disable=SC2016 # for the shell there
  case ${SHELL##*/} in
  sh | dash | ash | bash | zsh | ksh | ksh93 | mksh)
    printf 'command="%s"' "$(quoted "$tells$key_command_asked"'eval "unset SSH_ORIGINAL_COMMAND; $SSH_ORIGINAL_COMMAND"')"
    ;;
  *)
    does='asked=$SSH_ORIGINAL_COMMAND; unset SSH_ORIGINAL_COMMAND; exec "$SHELL" -c "$asked"'
    printf 'command="%s"' "$(quoted "exec /bin/sh -c '$tells$key_command_asked$does'")"
    ;;
  esac
}

quoted() {
  printf '%s\n' "$1" | sed 's/"/\\"/g'
}

# In one line, as an option is: a login where nothing was asked, a file transfer, or else go on.
# shellcheck disable=SC2016 # for the shell there
key_command_asked='case $SSH_ORIGINAL_COMMAND in "") exec "$SHELL" -l ;; internal-sftp*) for at in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec; do if [ -x $at/sftp-server ]; then exec $at/sftp-server; fi; done; exit 127 ;; esac; '
