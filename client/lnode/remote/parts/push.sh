# shellcheck shell=sh
# A message to your phone: one HTTP POST, as ntfy takes it. In push/ in lnode's folder, for you alone: `url`, and the same with a title and
# perhaps a token as curl and wget read it from a file, as ps shows the arguments of every program to all users. sent/ has a folder for
# each message of the last hour, 20 at most.
push=$HOME/.local/state/lnode/push

# find_poster: sets $poster to curl or wget (GNU's, which alone reads a file of options). False if neither is there.
find_poster() {
  poster=curl
  if command -v curl >/dev/null 2>&1; then return; fi
  poster=wget
  case $(wget --version 2>/dev/null) in 'GNU Wget'*) ;; *) return 1 ;; esac
}

# may_push: takes one of the 20 places of an hour. False if all are taken.
may_push() {
  (umask 077 && mkdir "$push/sent") 2>/dev/null
  find "$push/sent" -type d -name '[0-9]*' -mmin +60 -exec rmdir {} + 2>/dev/null
  for place in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    mkdir "$push/sent/$place" 2>/dev/null && return
  done
  return 1
}

# push TEXT: False if it was not sent. No redirection is followed, as it would lead the token elsewhere.
push() {
  [ -r "$push/url" ] && find_poster && may_push || return
  read -r url <"$push/url"
  text=$(tr -d '\\\000-\037\177' <<END | cut -c 1-600
$1
END
  )
  case $poster in
  curl) echo "$text" | curl -q -f -s -m 10 --proto "=${url%%:*}" -o /dev/null -K "$push/curl" --data-binary @- 2>/dev/null ;;
  wget)
    body=$push/body.$$
    (umask 077 && echo "$text" >"$body") &&
      wget -q -O /dev/null --config="$push/wget" --max-redirect=0 --tries=1 --timeout=10 --post-file="$body" -i "$push/url" 2>/dev/null
    set -- $?
    rm -f "$body"
    return "$1"
    ;;
  esac
}
