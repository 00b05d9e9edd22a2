# shellcheck shell=sh
# Part of what starts an sshd of the user's own: in the allocation JOB, on the node of its session's shell, else on this login node where
# JOB is empty. It lets in nobody but the laptop's public KEY. SSHD_TEXT is that of step_sshd.sh.

# host_key_file TYPE: sets $host_key to the file of the key of that type by which it is known.
host_key_file() {
  host_key=$own_state/sshd/host_key
  if [ "$1" != ed25519 ]; then host_key=${host_key}_$1; fi
}

# become_sshd FILE KEY WORD...: becomes that sshd. FILE is to hold KEY, and the words are for the sshd. Never returns.
become_sshd() {
  find "$own_state/sshd" -name '*.pub*' -mtime +0 -exec rm -f {} + 2>/dev/null # of jobs that may be over: one that is used is newer
  find "$own_state/sshd" -name '*.at*' -mtime +30 -exec rm -f {} + 2>/dev/null
  file=$1
  LNODE_BEFORE=$(env | head -c 60000) LNODE_JOB=$job
  export LNODE_BEFORE LNODE_JOB
  set -- /bin/sh -c "$sshd_text" sh "$@" -e -f /dev/null -o "HostKey=\"$host_key\"" -o "AuthorizedKeysFile=\"$file\"" \
    -o UsePAM=no -o StrictModes=no -o AuthenticationMethods=publickey -o LogLevel=ERROR \
    -o PermitUserEnvironment=yes -o 'Subsystem=sftp internal-sftp'
  if [ -n "$job" ]; then
    find_step "$job" unbuffered || { echo 'lnode: no step' >&2 && exit 127; }
    # shellcheck disable=SC2086 # split on purpose: words
    set -- $step "$@"
  fi
  exec "$@"
}
