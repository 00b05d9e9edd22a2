# shellcheck shell=sh
# An sshd of the user's own for one connection, on standard input and output: in the allocation JOB, on its first node, else on
# this login node where JOB is empty. It has no port, and lets in nobody but the laptop's public KEY.
# values: job key laptop
# parts: tmux server scheduler own key_command
folder=$own_state/sshd
if ! own_folder sshd || ! is_own "$folder/host_key"; then
  echo "lnode: another user can write to $folder" >&2
  exit 1
fi
told=$(key_command)
(umask 077 && printf '%s\n' "$told${told:+ }$key" >"$folder/$laptop.pub") || exit
set -- -i -e -f /dev/null -o "HostKey=\"$folder/host_key\"" -o "AuthorizedKeysFile=\"$folder/$laptop.pub\"" -o UsePAM=no \
  -o StrictModes=no -o PidFile=none -o AuthenticationMethods=publickey -o LogLevel=ERROR -o 'Subsystem=sftp internal-sftp'
# shellcheck disable=SC2016 # for the shell there
set -- /bin/sh -c '
  for sshd in "$(command -v sshd)" /usr/sbin/sshd /usr/local/sbin/sshd; do
    if [ -x "$sshd" ]; then exec "$sshd" "$@"; fi
  done
  echo "lnode: no sshd" >&2
  exit 127' sh "$@"
if [ -n "$job" ]; then
  find_step "$job" unbuffered || { echo 'lnode: no step' >&2 && exit 127; }
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $step "$@"
fi
echo # what an rc file has printed is a line of its own then, which ssh passes over (RFC 4253, 4.2)
exec "$@"
