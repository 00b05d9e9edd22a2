# shellcheck shell=sh
# Which login node has which sessions, for whoever lands on another one: in the home that they may share, a file for each
# node, of its sshd's port and its cluster, then of the names of its sessions. It is a hint that may be old: only the node itself
# knows. One that was not written for 90 days counts no more: login nodes get other names, and a container has another one each
# time. Nor does one of another cluster that shares the home.
known_nodes=$own_state/nodes
this_node=''

# name_node: sets $this_node, asked for once.
name_node() {
  [ -z "$this_node" ] || return 0
  { read -r this_node </proc/sys/kernel/hostname; } 2>/dev/null || this_node=$(uname -n)
}

# note_sessions NAMES: what this node has, a line each; only a change is written, or what is a day old. A home that is
# full or cannot be written keeps nothing: false. What others could have written there is replaced; a folder of theirs is left
# alone, which list.sh says (own.sh).
note_sessions() {
  noted=$1
  name_node
  if ! own_folder nodes; then
    if [ -e "$known_nodes" ] || [ -L "$known_nodes" ] || [ -z "$noted" ]; then return; fi
    make_own_folder nodes || return
  fi
  kept='' kept_in=$known_nodes/$this_node
  if is_own "$kept_in"; then kept=$(find "$kept_in" ! -mtime +0 -exec cat {} \; 2>/dev/null); fi
  if [ -n "$noted" ]; then
    find_cluster
    noted="port ${SSH_CONNECTION##* } $cluster
$noted"
  fi
  if [ "$noted" = "$kept" ] && { [ -n "$noted" ] || [ ! -e "$kept_in" ]; }; then return; fi
  {
    if [ -z "$noted" ]; then
      rm -f "$kept_in"
    else
      printf '%s\n' "$noted" | replace_note "$kept_in"
    fi
  } 2>/dev/null
}

# replace_note FILE: with what comes on standard input, whole or not at all.
replace_note() {
  draft=$known_nodes/.$this_node.$$
  (umask 077 && rm -f "$draft" && cat >"$draft") && { chmod 600 "$draft" || :; } && mv -f "$draft" "$1" || ! rm -f "$draft"
}

# other_nodes: the files of the others.
other_nodes() {
  name_node
  own_folder nodes && has_others || return
  find_cluster
  find "$known_nodes" -type f ! -name "$this_node" ! -name '.*' ! -mtime +90 2>/dev/null | sort | while read -r file; do
    is_own "$file" || continue
    its=$(sed -n '1s/^port [0-9]* //p' "$file" 2>/dev/null)
    if [ "${its:-$cluster}" = "${cluster:-$its}" ]; then printf '%s\n' "$file"; fi
  done
}

has_others() {
  for file in "$known_nodes"/*; do
    case $file in "$known_nodes/$this_node" | "$known_nodes/*") ;; *) return ;; esac
  done
  return 1
}

# forget NAME: somebody has said that no other node has that session. One that has it writes so again.
forget() {
  other_nodes | while read -r file; do
    grep -Fqx -e "$1" "$file" || continue
    left=$(grep -Fvx -e "$1" "$file")
    case $left in
    *"
"*) printf '%s\n' "$left" | replace_note "$file" ;;
    *) rm -f "$file" ;; # no more than the port
    esac
  done 2>/dev/null
}

# is_same_node NAME: is that this node? One program's name for it has the domain, another's has not.
is_same_node() {
  name_node
  [ "${1%%.*}" = "${this_node%%.*}" ]
}

# tell_hosts HOST...: of the hosts on which something was requested, a row for each that is no other login node: `self HOST` for this
# node by the name of another network (Slurm asks the name service for it), `compute HOST` for a compute node, where a job asked for
# another one. Most often all is from here, or from a login node with sessions: then nothing is asked.
tell_hosts() {
  unknown=
  for host; do
    case " $unknown " in *" $host "*) continue ;; esac
    if ! is_same_node "$host" && [ ! -e "$known_nodes/$host" ]; then unknown="$unknown $host"; fi
  done
  [ -n "$unknown" ] || return 0
  addresses=" $(hostname -I 2>/dev/null) "
  # shellcheck disable=SC2086 # split on purpose
  for host in $unknown; do
    for address in $(timeout 2 getent ahosts "$host" 2>/dev/null | sed -n 's/ .*STREAM.*//p'); do
      case "$addresses $address" in *" $address "* | *' '127.*) printf 'self %s\n' "$host" && break ;; esac
    done
  done
  # shellcheck disable=SC2086 # split on purpose
  "${scheduler}_compute_nodes" $unknown | sort -u | sed 's/^/compute /'
}

# is_elsewhere NAME NODE: may that session be on another login node? The laptop remembers NODE, or "". Else the shared home or
# the scheduler says so: something was requested interactively on another node. Who lives there only that node can tell.
is_elsewhere() {
  [ -z "$2" ] || is_same_node "$2" || return 0
  other_nodes | {
    while read -r file; do
      if sed 1d "$file" 2>/dev/null | grep -Fqx -e "$1"; then exit 0; fi
    done
    exit 1
  } && return
  scheduler_on_path || return 1
  hosts=$("${scheduler}_requested_on" "${USER:-$(id -un)}")
  # shellcheck disable=SC2086 # split on purpose: x_requested_on knows what a host is called
  told=$(tell_hosts $hosts)
  for host in $hosts; do
    if is_same_node "$host"; then continue; fi
    case "$told
" in
    *"self $host
"* | *"compute $host
"*) ;;
    *) return 0 ;;
    esac
  done
  return 1
}
