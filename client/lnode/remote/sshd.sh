# shellcheck shell=sh
# An sshd of the user's own for one connection, on standard input and output; it has no port. See own_sshd.sh. TYPE is that of its host key.
# values: job key laptop type sshd_text
# parts: tmux server scheduler own own_sshd key_command
host_key_file "$type"
if ! own_folder sshd || ! is_own "$host_key"; then
  echo "lnode: another user can write to $own_state/sshd" >&2
  exit 1
fi
told=$(key_command)
echo # what an rc file has printed is a line of its own then, which ssh passes over (RFC 4253, 4.2)
become_sshd "$own_state/sshd/$laptop${job:+.$job}.pub" "$told${told:+ }$key" -i -o PidFile=none \
  -o ClientAliveInterval=60 -o ClientAliveCountMax=10
