# shellcheck shell=sh
# After the list: the public half of the key by which the sshd of sshd.sh is known, made at the first time; and where FOLDER is.
# Arguments: those of list.sh, then FOLDER
folder=$HOME/.local/state/lnode/sshd
draft=$folder/draft.$$
umask 077
if [ ! -e "$folder/host_key" ]; then
  said=$({ mkdir -p "$folder" && ssh-keygen -q -t ed25519 -N '' -C lnode -f "$draft" && ln "$draft" "$folder/host_key"; } 2>&1)
  rm -f "$draft" "$draft.pub"
fi
section key
ssh-keygen -y -f "$folder/host_key" 2>/dev/null || printf '%s\n' "$said"
section folder
(enter "$5" && pwd) 2>/dev/null
section end
