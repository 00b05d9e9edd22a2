# shellcheck shell=sh
# Part of every script that reads or writes lnode's own folder in the home. It is for this user alone (0700) whatever the umask, and
# what another user could have written there is not read: notes lead to login nodes, and a run is a process to end.
# Where modes have no effect (some NFS and SMB), or the home itself belongs to another, they prove nothing and are not asked.
own_state=$HOME/.local/state/lnode
private='! -perm -040 ! -perm -020 ! -perm -010 ! -perm -004 ! -perm -002 ! -perm -001'
modeless='' doubtful='' seen=''
# $me is this user's number, or nothing so far (tmux.sh).

# look_at_own: sets $doubtful, once, to all in lnode's folder that is a link, another's, or open to others. Mostly that is nothing,
# and what is there needs no further look: nobody else can change what is in a folder that is closed.
look_at_own() {
  [ -z "$seen" ] || return 0
  : "${me:=$(id -u)}"
  # shellcheck disable=SC2086 # tests
  doubtful=$(find "$own_state" \( ! -path "$own_state/*/*" -o -prune \) \
    \( -type l -o ! -user "$me" -o -perm -020 -o -perm -002 -o -type d ! \( $private \) \) 2>/dev/null)
  seen=yes
}

# own_folder NAME: True if $own_state/NAME is a folder of this user's, with none of another's above it. One that is open to others is
# closed; if that has no effect, $modeless is yes.
own_folder() {
  look_at_own
  if [ -z "$doubtful" ]; then
    [ -d "$own_state/$1" ]
    return
  fi
  set -- "$own_state" "$own_state/$1"
  for _; do
    if [ -L "$1" ] || ! [ -d "$1" ] || ! is_mine "$1"; then return 1; fi
    if is_open "$1"; then
      chmod 700 "$1" 2>/dev/null
      if is_writable_by_others "$1"; then modeless=yes; fi
    fi
    shift
  done
}

# make_own_folder NAME: the same, made if need be. If that fails $said is why, or nothing if it is not this user's own.
# shellcheck disable=SC2034 # $said is for the scripts that follow
make_own_folder() {
  said=$(umask 077 && mkdir -p "$own_state/$1" 2>&1) || return
  seen=
  own_folder "$1"
}

# is_own PATH: True if this is no link, this user's, and nobody else may write it.
is_own() {
  look_at_own
  if [ -z "$doubtful" ]; then
    [ -e "$1" ]
    return
  fi
  if [ -L "$1" ] || ! [ -e "$1" ] || ! is_mine "$1"; then return 1; fi
  own_folder .
  [ -n "$modeless" ] || ! is_writable_by_others "$1"
}

is_open() {
  # shellcheck disable=SC2086 # tests
  [ -z "$(find "$1" -prune $private 2>/dev/null)" ]
}

is_mine() {
  : "${me:=$(id -u)}"
  [ -n "$(find "$1" -prune -user "$me" 2>/dev/null)" ] || [ -z "$(find "$HOME/." -prune -user "$me" 2>/dev/null)" ]
}

is_writable_by_others() {
  [ -n "$(find "$1" -prune \( -perm -020 -o -perm -002 \) 2>/dev/null)" ]
}

# shellcheck disable=SC2329 # not every script asks
# distrusted: a row for what is there and not read, `writable PATH` or `foreign PATH`, some of many; changes nothing.
distrusted() {
  look_at_own
  [ -n "$doubtful" ] || return 0
  printf '%s\n' "$doubtful" | while IFS= read -r path; do
    if [ -L "$path" ] || ! is_mine "$path"; then
      echo "foreign ${path#"$HOME/"}"
    elif [ -z "$modeless" ] && is_writable_by_others "$path"; then
      echo "writable ${path#"$HOME/"}"
    fi
  done | head -n 20
}
