# shellcheck shell=sh
# --setup: shows the user's shell, its rc file and tmux.conf, and what the site starts jobs with; then waits on standard input
# for what becomes of each file, `rc|tmux_conf CHECKSUM BASE64`, and ends at an empty line.
# values: nonce tmux_path
# parts: section tmux server scheduler letters

# checksum FILE: what it holds, in a word; `-` where there is none.
checksum() {
  if [ -e "$1" ]; then cksum <"$1" | tr ' ' .; else echo -; fi
}

# show SECTION FILE: what stands in the way of changing it, its checksum, its path; then what it holds.
show() {
  section "$1"
  obstacle="none" folder=$2
  until [ -e "$folder/" ]; do
    case $folder in */*) folder=${folder%/*} ;; *) folder=. ;; esac
  done
  folder=${folder:-/}
  if [ -L "$2" ]; then
    obstacle="link"
  elif [ -e "$2" ] && ! [ -f "$2" ]; then
    obstacle="special"
  elif [ -e "$2" ] && ! { [ -r "$2" ] && [ -w "$2" ]; } || ! [ -w "$folder" ]; then
    obstacle="readonly"
  elif [ -e "$2" ] && [ "$(wc -c <"$2")" -gt 200000 ]; then
    obstacle="long"
  fi
  printf '%s %s %s\n' "$obstacle" "$(checksum "$2")" "$2"
  if [ "$obstacle" = none ] && [ -e "$2" ]; then base64 <"$2"; fi
}

# change FILE CHECKSUM BASE64: all of it or nothing, and nothing where somebody else was there meanwhile. `-` takes it away, `=`
# empties it.
change() {
  if [ "$(checksum "$1")" != "$2" ]; then
    echo "$1 has changed meanwhile"
    return
  fi
  if [ "$3" = - ]; then
    rm -- "$1" 2>&1
    return
  fi
  mkdir -p -- "${1%/*}" 2>&1 || return
  draft=$1.lnode-$$
  { back_up "$1" "$2" && write "$1" "$3"; } 2>&1 || rm -f -- "$draft"
}

# back_up FILE CHECKSUM: keeps it as it was before lnode, once and whole: a home that is full cuts a copy short.
back_up() {
  if ! [ -e "$1" ] || [ -e "$1.before-lnode" ]; then return; fi
  cp -p -- "$1" "$draft" || return
  if [ "$(checksum "$draft")" != "$2" ]; then echo "$1 cannot be copied whole" && return 1; fi
  mv -- "$draft" "$1.before-lnode"
}

# write FILE BASE64: with the mode of the file that it replaces. By a document of this shell: printf is a program to some, which takes no
# argument of that length.
write() {
  if [ -e "$1" ]; then cp -p -- "$1" "$draft" || return; fi
  base64 -d >"$draft" <<END || return
${2#=}
END
  if [ "$2" != = ] && ! [ -s "$draft" ]; then echo "$1 could not be written" && return 1; fi
  mv -f -- "$draft" "$1"
}

section host
uname -n
section shell
printf '%s\n' "${SHELL##*/}"
rc='' tmux_conf=$HOME/.tmux.conf
case ${SHELL##*/} in
bash) rc=$HOME/.bashrc ;;
zsh) rc=${ZDOTDIR:-$HOME}/.zshrc ;;
fish) rc=${XDG_CONFIG_HOME:-$HOME/.config}/fish/config.fish ;;
sh | dash | ash | ksh | ksh93 | mksh) rc=$HOME/.profile ;;
esac
section tmux
if find_tmux; then "$tmux" -V 2>&1; fi
if ! [ -e "$tmux_conf" ] && [ -e "${XDG_CONFIG_HOME:-$HOME/.config}/tmux/tmux.conf" ]; then
  tmux_conf=${XDG_CONFIG_HOME:-$HOME/.config}/tmux/tmux.conf
fi
if [ -n "$rc" ]; then show rc "$rc"; fi
show tmux_conf "$tmux_conf"
section scheduler
find_scheduler
printf '%s\n' "$scheduler"
if need sinteractive "$(every module)"; then
  section sinteractive
  printf '%s\n' "-$(letters_of sinteractive)"
fi
section end

section said
while read -r which sum data && [ -n "$which" ]; do
  case $which in
  rc) change "$rc" "$sum" "$data" ;;
  tmux_conf) change "$tmux_conf" "$sum" "$data" ;;
  mouse) if [ -n "$tmux" ]; then ask set-option "$sum" mouse ${data:+"$data"}; fi ;; # in the server that runs now
  esac
done
section end
