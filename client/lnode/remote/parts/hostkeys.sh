# shellcheck shell=sh
# Where the keys of the sshd of sshd.sh are kept, one of each type.

# host_key_file TYPE: sets $host_key to the file of that key.
host_key_file() {
  host_key=$own_state/sshd/host_key
  if [ "$1" != ed25519 ]; then host_key=${host_key}_$1; fi
}
