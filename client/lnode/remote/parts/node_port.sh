# shellcheck shell=sh
# Part of node_way.sh: the sshd of this laptop that listens on a node of the allocation, for as long as it is used. What srun passes on
# goes in pieces, each of which may wait 40 ms for the one before (Nagle's algorithm); a port has no such step in between.

# What is written down of it, for each login node: PORT HOST TYPE, the last for its key, or `none`.
at_of() {
  written=$own_state/sshd/$laptop.$1.$this_node.at port='' host='' its_type=''
  if is_own "$written"; then read -r port host its_type <"$written"; fi
}

# listeners: a row for each that this login node has reached before, and that has touched its file in the last 3 minutes, as it does once a
# minute (step_sshd.sh). It is not tried: that takes as long as all the rest, and ssh tells your laptop soon enough that nothing is there.
listeners() {
  own_folder sshd || return 0
  find "$own_state/sshd" -name "$laptop.*.port.pub" -mmin -3 2>/dev/null | head -n 50 | while IFS= read -r of_job; do
    of_job=${of_job#"$own_state/sshd/$laptop."}
    of_job=${of_job%.port.pub}
    at_of "$of_job"
    if [ "$its_type" = "$type" ]; then printf '%s\n' "$of_job $port $host"; fi
  done
}

# find_port: sets $port and $host; $port to nothing if there is none. What is written down counts if the host key proves it, and if it is
# for this key of the laptop's.
find_port() {
  at_of "$job"
  case $port in [0-9]*) grep -qsF -e "$key" "$own_state/sshd/$laptop.$job.port.pub" || port='' ;; esac
  if [ "$port" = none ] && [ -n "$(find "$written" -mmin +60 2>/dev/null)" ]; then port=''; fi # the node may only have been busy
  if [ "$port" = none ]; then port=''; elif [ -z "$port" ] || ! find_host "$port" "$host"; then start_port; fi
}

start_port() {
  # shellcheck disable=SC2046 # split on purpose: words
  set -- $(listening | timeout 20 sed -n '/^lnode listens /{s///;p;q;}')
  port=$1
  [ -n "$port" ] || return
  if ! find_host "$@"; then
    at_of "$job" # another connection may have begun at the same moment, and have found one
    if [ "$port" != none ] && find_host "$port" "$host"; then return; fi
    port=''
  fi
  echo "${port:-none} $host $type" >"$written.$$" && mv "$written.$$" "$written"
}

# listening: starts it, and leaves it there. It says `lnode listens PORT NAME...`, by each name that its node has for itself.
listening() {
  (umask "$mask" && become_sshd "$own_state/sshd/$laptop.$job.port.pub" "$key" -D </dev/null 2>/dev/null &)
}

# find_host PORT NAME...: sets $host to the one at which the sshd with the host key listens there. False if there is none.
find_host() {
  at=$1 host=''
  shift
  for name; do
    shift
    case $name in -* | *[!A-Za-z0-9._-]*) ;; *) set -- "$@" "$name" ;; esac
  done
  case $at in '' | *[!0-9]*) return 1 ;; esac
  host=$(ssh-keyscan -T 3 -t "$type" -p "$at" "$@" 2>/dev/null </dev/null | awk -v key="$public" '
    BEGIN { split(key, want, " ") }
    $2 == want[1] && $3 == want[2] { sub(/^\[/, "", $1); sub(/\].*/, "", $1); print $1; exit }')
  [ -n "$host" ]
}
