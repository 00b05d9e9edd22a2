# shellcheck shell=sh
# After the list: the public half of the key by which the sshd of sshd.sh is known, made at the first time; and where CWD is. It
# is of the first of TYPES, those that the laptop permits, that this host permits too: no ed25519 where it keeps to FIPS 140-2.
# values: cwd types
# parts: section tmux server scheduler clients own nodes requests job_notes list_in_jobs runs list hostkeys
draft=$own_state/sshd/draft.$$
fips=
{ read -r fips </proc/sys/crypto/fips_enabled; } 2>/dev/null
umask 077

# key_of TYPE: sets $key. False if there can be none; then $said may say why.
key_of() {
  host_key_file "$1"
  if [ "$1 $fips" = 'ed25519 1' ]; then return 1; fi
  if [ ! -e "$host_key" ]; then
    said=$({ ssh-keygen -q -t "$1" -N '' -C lnode -f "$draft" && ln "$draft" "$host_key"; } 2>&1)
    rm -f "$draft" "$draft.pub"
  fi
  is_own "$host_key" && key=$(ssh-keygen -y -f "$host_key" 2>/dev/null)
}

key=
if make_own_folder sshd; then
  for type in $types; do
    if key_of "$type"; then break; fi
  done
fi
section key
printf '%s\n' "${key:-${said:-another user can write to $own_state/sshd}}"
section folder
(enter "$cwd" && pwd) 2>/dev/null
section end
