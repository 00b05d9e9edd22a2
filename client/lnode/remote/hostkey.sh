# shellcheck shell=sh
# After the list: the public half of the key by which the sshd of sshd.sh is known, made at the first time; and where CWD is.
# values: cwd
# parts: section tmux server scheduler clients own nodes runs list
folder=$own_state/sshd
draft=$folder/draft.$$
umask 077
if ! make_own_folder sshd; then
  said=${said:-another user can write to $folder}
elif [ ! -e "$folder/host_key" ]; then
  said=$({ ssh-keygen -q -t ed25519 -N '' -C lnode -f "$draft" && ln "$draft" "$folder/host_key"; } 2>&1)
  rm -f "$draft" "$draft.pub"
fi
section key
{ own_folder sshd && is_own "$folder/host_key" && ssh-keygen -y -f "$folder/host_key" 2>/dev/null; } ||
  printf '%s\n' "${said:-another user can write to $folder}"
section folder
(enter "$cwd" && pwd) 2>/dev/null
section end
