# shellcheck shell=sh
# Keeps where the messages for your phone go (parts/push.sh).

# keep_push ALIAS URL TOKEN: TOKEN is `-` to keep the one that is there, or nothing for none. False if that cannot be written; then
# $said is why, or nothing if another user could read it.
keep_push() {
  make_own_folder push || return
  if [ -n "$modeless" ] && [ -n "${3#-}" ]; then said='' && return 1; fi # modes have no effect here
  token=$3 site=${2#*://}
  site=${2%%://*}://${site%%/*}
  case $(cat "$push/url" 2>/dev/null)/ in
  "$site"/*) if [ "$token" = - ]; then token=$(cat "$push/token" 2>/dev/null); fi ;;
  *) # the token that is kept is another site's: so it is, too, if what follows is cut short
    if [ "$token" = - ]; then token=''; fi
    said=$(rm -f "$push/url" 2>&1) || return
    ;;
  esac
  rest="header = \"Title: lnode $1\"
header = \"Content-Type: text/plain; charset=utf-8\""
  if [ -n "$token" ]; then rest="$rest
header = \"Authorization: Bearer $token\""; fi
  write_own token "$token" && write_own curl "url = \"$2\"
$rest" && write_own wget "$(echo "$rest" | sed 's/"//g')" && write_own url "$2" # last: it says whose token that is
}

# write_own NAME TEXT: the file, if it does not hold that already. By a document of this shell: printf is a program to some, whose arguments
# ps would show, and echo changes backslashes.
write_own() {
  if [ "$(cat "$push/$1" 2>/dev/null)" = "$2" ]; then return; fi
  said=$(put_own "$@" 2>&1)
}

put_own() (
  umask 077
  cat >"$push/$1.$$" <<END || exit
$2
END
  chmod 600 "$push/$1.$$" && mv -f "$push/$1.$$" "$push/$1"
)
