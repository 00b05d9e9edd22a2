# shellcheck shell=sh
# After the list: the public half of the key by which the sshd of own_sshd.sh is known, made at the first time; and where CWD is. It
# is of the first of TYPES, those that the laptop permits, that this host permits too: no ed25519 where it keeps to FIPS 140-2.
# With that a row JOB PORT NODE for each sshd for LAPTOP that has said lately that it listens there, in the allocation of JOB.
# Then a second reply, if two lines ask for one, JOB and the laptop's public KEY of the same type: the port of a node in the allocation
# of JOB on which such an sshd has answered. It is started if need be. The row is empty if this login node reaches none; see sshd.sh.
# values: cwd types laptop sshd_text
# parts: section tmux server scheduler clients own nodes requests job_notes list_in_jobs runs list own_sshd node_port
draft=$own_state/sshd/draft.$$
fips=
{ read -r fips </proc/sys/crypto/fips_enabled; } 2>/dev/null
mask=$(umask) # of your shells there
umask 077

# key_of TYPE: sets $public. False if there can be none; then $said may say why.
key_of() {
  host_key_file "$1"
  if [ "$1 $fips" = 'ed25519 1' ]; then return 1; fi
  if [ ! -e "$host_key" ]; then
    said=$({ ssh-keygen -q -t "$1" -N '' -C lnode -f "$draft" && ln "$draft" "$host_key"; } 2>&1)
    rm -f "$draft" "$draft.pub"
  fi
  is_own "$host_key" && public=$(ssh-keygen -y -f "$host_key" 2>/dev/null)
}

public=
if make_own_folder sshd; then
  for type in $types; do
    if key_of "$type"; then break; fi
  done
fi
section key
printf '%s\n' "${public:-${said:-another user can write to $own_state/sshd}}"
section folder
(enter "$cwd" && pwd) 2>/dev/null
section listeners
listeners
section end

read -r job && read -r key && [ -n "$public" ] || exit 0
port=''
find_port
section port
printf '%s\n' "$port${port:+ $host}"
section end
