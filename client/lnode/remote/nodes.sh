# shellcheck shell=sh
# Which login node has which sessions, for whoever lands on another one: in the home that they may share, a file for each
# node, of its sshd's port and the names of its sessions. It is a hint that may be old: only the node itself knows.
known_nodes=$HOME/.local/state/lnode/nodes
this_node=$(uname -n)

# note_sessions: what this node has, by name on standard input; only a change is written. A home that is full or cannot be
# written keeps nothing.
note_sessions() {
  kept=$(cat "$known_nodes/$this_node" 2>/dev/null)
  noted=$(sort -u | grep .)
  if [ -n "$noted" ]; then noted="port ${SSH_CONNECTION##* }
$noted"; fi
  [ "$noted" != "$kept" ] || return 0
  {
    if [ -z "$noted" ]; then
      rm -f "$known_nodes/$this_node"
    else
      mkdir -p "$known_nodes" && printf '%s\n' "$noted" >"$known_nodes/.$this_node.$$" &&
        mv -f "$known_nodes/.$this_node.$$" "$known_nodes/$this_node" || rm -f "$known_nodes/.$this_node.$$"
    fi
  } 2>/dev/null || :
}

# is_elsewhere NAME NODE: may that session be on another login node? The laptop remembers NODE, or "". Else the shared home or
# the scheduler says so: something was requested interactively on another node. Who lives there only that node can tell.
is_elsewhere() {
  if [ "${2:-$this_node}" != "$this_node" ]; then return 0; fi
  for file in "$known_nodes"/*; do
    if [ "${file##*/}" != "$this_node" ] && sed 1d "$file" 2>/dev/null | grep -Fqx -e "$1"; then return 0; fi
  done
  have squeue || return 1
  timeout 8 squeue -h -u "${USER:-$(id -un)}" -O batchflag:4,allocnodes:80 2>/dev/null | {
    while read -r batch host; do
      case $batch,$host in
      1,* | *, | *,*'(null)'* | *,None | *,[0-9]*.* | *:*) ;;
      *) if [ "${host%%.*}" != "${this_node%%.*}" ]; then exit 0; fi ;;
      esac
    done
    exit 1
  }
}
