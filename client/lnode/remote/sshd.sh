# shellcheck shell=sh
# An sshd of the user's own for one connection, on standard input and output: in the allocation JOB, on the node of its session's
# shell, else on this login node where JOB is empty. It has no port, and lets in nobody but the laptop's public KEY. TYPE is that of
# the host key, SSHD_TEXT that of step_sshd.sh.
# values: job key laptop type sshd_text
# parts: tmux server scheduler own hostkeys key_command
folder=$own_state/sshd
host_key_file "$type"
if ! own_folder sshd || ! is_own "$host_key"; then
  echo "lnode: another user can write to $folder" >&2
  exit 1
fi
find "$folder" -name '*.pub' -mtime +0 -exec rm -f {} + 2>/dev/null # of jobs that may be over: an sshd reads it once
keys=$folder/$laptop${job:+.$job}.pub
LNODE_BEFORE=$(env | head -c 60000) LNODE_JOB=$job
export LNODE_BEFORE LNODE_JOB
told=$(key_command)
set -- /bin/sh -c "$sshd_text" sh "$keys" "$told${told:+ }$key" -i -e -f /dev/null -o "HostKey=\"$host_key\"" -o "AuthorizedKeysFile=\"$keys\"" \
  -o UsePAM=no -o StrictModes=no -o PidFile=none -o AuthenticationMethods=publickey -o LogLevel=ERROR \
  -o PermitUserEnvironment=yes -o 'Subsystem=sftp internal-sftp'
if [ -n "$job" ]; then
  find_step "$job" unbuffered || { echo 'lnode: no step' >&2 && exit 127; }
  # shellcheck disable=SC2086 # split on purpose: words
  set -- $step "$@"
fi
echo # what an rc file has printed is a line of its own then, which ssh passes over (RFC 4253, 4.2)
exec "$@"
