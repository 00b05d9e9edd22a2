# shellcheck shell=sh
# Your tmux servers as the kernel knows them (proc(5), proc_net(5)): their processes, programs and sockets. Asked only if tmux's own
# answer does not do. Where there is no /proc, nothing is found.
its_folder=$TMUX_TMPDIR # what this shell was told; a login shell may know another one

# own_socket: sets $socket to the path at which tmux looks for its server.
own_socket() {
  socket=${TMUX_TMPDIR:-/tmp}/tmux-${me:=$(id -u)}/${label:-default}
}

# find_listener SOCKET: sets $server to the pid of your process that listens there, or to nothing: not one of -L, -S or another /tmp.
# Of two that have listened there the younger server is the one that is found: the other has lost its file. The numbers of their sockets
# do not tell, as each processor has a range of its own (fs/inode.c, get_next_ino).
find_listener() {
  server='' real=${1%/tmux-*}
  real=$(cd "$real" 2>/dev/null && pwd -P)/tmux-${1##*/tmux-} # as newer ones spell it
  # shellcheck disable=SC2016 # for awk
  inodes=$(awk -v one="$1" -v two="$real" '$4 == "00010000" && ($8 == one || $8 == two) { print $7 }' /proc/net/unix 2>/dev/null)
  [ -n "$inodes" ] || return
  for candidate in $(youngest_tmux_first); do
    if [ "$(readlink "/proc/$candidate/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ]; then continue; fi
    held=$(ls -l "/proc/$candidate/fd" 2>/dev/null)
    for inode in $inodes; do
      case $held in *"socket:[$inode]"*) server=$candidate && return ;; esac
    done
  done
  return 1
}

# youngest_tmux_first: the pids of your processes of that name, by when they began: proc(5), field 22 of stat.
youngest_tmux_first() {
  ps -u "$me" -o pid= -o comm= 2>/dev/null | sed -n 's/^ *\([0-9]*\) [^ ]*tmux.*/\1/p' | while read -r candidate; do
    { read -r stat <"/proc/$candidate/stat"; } 2>/dev/null || continue
    # shellcheck disable=SC2086 # split on purpose
    set -- ${stat##*\) }
    printf '%s\n' "${20} $candidate"
  done | sort -rn | sed 's/.* //'
}

# lost_server: sets $lost to the pid of this user's server whose socket is gone: tmux says that there is none
# (github.com/tmux/tmux/issues/4057). The kernel still knows who listens under that name.
lost_server() {
  lost=''
  own_socket
  if [ -S "$socket" ]; then return 1; fi
  find_listener "$socket" && lost=$server
}

# find_server: one that has lost its socket is told to make it again; where it does not, $lost is its pid.
find_server() {
  lost_server || return
  mkdir -m 700 "${socket%/*}" 2>/dev/null # a cleaned /tmp has lost that too
  kill -s USR1 "$lost" 2>/dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    if [ -S "$socket" ] || ! kill -s 0 "$lost" 2>/dev/null; then # or it was just ending
      lost=
      return
    fi
    nap 0.2
  done
}

# is_stopped PID: does that process wait for SIGCONT? proc(5): what is before `)` is its name, then comes its state.
is_stopped() {
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  case ${stat##*\) } in [Tt]*) ;; *) return 1 ;; esac
}

# use_program_of PID: sets $tmux to the program of this server, if that has another version: programs of different versions
# may not understand each other (the wire has changed with 2.2, 3.2 and 3.6). Where an upgrade has replaced the file, the kernel
# still has it. False if $tmux is as it was.
use_program_of() {
  its=/proc/$1/exe
  # shellcheck disable=SC3013 # where test(1) has no -ef, the versions tell
  if [ "$its" -ef "$tmux" ] 2>/dev/null; then return 1; fi
  path=$(readlink "$its")
  case ${path##*/} in *tmux*) ;; *) return 1 ;; esac
  version=$(version_of "$its") || take_libraries "$1" || return
  if [ "$version" = "$(version_of "$tmux")" ]; then return 1; fi
  # shellcheck disable=SC3013
  if [ "$path" -ef "$its" ] 2>/dev/null; then tmux=$path; else tmux=$its; fi
  awake=
}

# fit_to_rows: use the program of the server that $rows name (`options ID sPID`). Another one may list panes, and show no screen.
fit_to_rows() {
  server="
$rows"
  server=${server#*"
options \$"}
  fit_to "${server#*" s"}"
}

# version_of PROGRAM: as in `tmux 3.3a`, without the name by which it was called.
version_of() {
  said_version=$("$1" -V 2>/dev/null) && printf '%s\n' "${said_version#* }"
}

# take_libraries PID: the program may find its libraries only in the environment in which it was started. Sets $version.
take_libraries() {
  libraries=$LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(tr '\000' '\n' 2>/dev/null <"/proc/$1/environ" | sed -n 's/^LD_LIBRARY_PATH=//p')
  export LD_LIBRARY_PATH
  if [ -n "$LD_LIBRARY_PATH" ] && version=$(version_of "/proc/$1/exe"); then return; fi
  LD_LIBRARY_PATH=$libraries
  if [ -z "$libraries" ]; then unset LD_LIBRARY_PATH; fi
  return 1
}

# elsewhere: the folders in which others of your servers have their sockets, as TMUX_TMPDIR would name them. If this shell was told
# its folder, there are none; nor if the server has a name of its own.
elsewhere() {
  [ -z "$its_folder$label" ] || return 0
  : "${me:=$(id -u)}"
  # shellcheck disable=SC2016 # for awk
  awk -v end="/tmux-$me/default" -v own="${TMUX_TMPDIR:-/tmp}" '
    $4 == "00010000" && (at = length($8) - length(end)) > 0 && substr($8, at + 1) == end {
      folder = substr($8, 1, at)
      sub("/*$", "", folder) # older ones say /tmp//tmux-
      if (folder != own && !seen[folder]++ && ++found <= 5) print folder
    }' /proc/net/unix 2>/dev/null | while read -r folder; do
    # shellcheck disable=SC3013 # where test(1) has no -ef, a link to a folder is another one
    if [ "$folder" -ef "${TMUX_TMPDIR:-/tmp}" ] 2>/dev/null; then continue; fi
    # The folder may be another user's, who could listen there for your tmux: it is yours only if a tmux of yours listens.
    [ -S "$folder/tmux-$me/default" ] && [ -n "$(find "$folder/tmux-$me" -prune -type d -user "$me")" ] || continue
    if find_listener "$folder/tmux-$me/default"; then printf '%s\n' "$folder"; fi
  done
}

# move_to FOLDER: from now on tmux looks for its server there.
move_to() {
  TMUX_TMPDIR=$1 awake=
  export TMUX_TMPDIR
  if [ -z "$1" ]; then unset TMUX_TMPDIR; fi
}

# everywhere FIND ARGUMENT...: FIND, which sets $id; if it finds nothing, at each of your other servers. False if one of these cannot be
# asked.
everywhere() {
  "$@" || return
  if [ -n "$id" ]; then return; fi
  more=$(elsewhere) usual=$TMUX_TMPDIR
  [ -n "$more" ] || return 0
  for another in $more; do
    move_to "$another"
    "$@" || return
    if [ -n "$id" ]; then return; fi
  done
  move_to "$usual"
  "$@"
}
