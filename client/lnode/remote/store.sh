# shellcheck shell=sh
# Keep scripts of lnode's here, so that a later line need not bring them: TCP sends 14 kB at once, and what is longer costs another round trip.
# SCRIPTS has a row for each, NAME or NAME DATA: the SHA-256 of its text, and the text packed as in a line. The reply names what is here. A line
# checks the hash before it runs the text (call.py).
# values: nonce scripts
# parts: section own

most=12 # versions of lnode on your laptops come and go
me='' # see own.sh

# is_stored FILE NAME: has it the text of that name?
is_stored() {
  case $(gzip -d <"$1" 2>/dev/null | sha256sum 2>/dev/null) in "$2"*) ;; *) return 1 ;; esac
}

# store NAME DATA: False if that is not the text of the name, or does not fit.
store() {
  draft=$folder/.$1
  (umask 077 && printf %s "$2" | base64 -d >"$draft") 2>/dev/null && is_stored "$draft" "$1" && mv -f "$draft" "$folder/$1" && return
  rm -f "$draft"
  return 1
}

folder=$own_state/scripts
section stored
if make_own_folder scripts; then
  printf '%s\n' "$scripts" | while read -r name data; do
    is_stored "$folder/$name" "$name" || { [ -n "$data" ] && store "$name" "$data"; } || continue
    touch "$folder/$name"
    echo "$name"
  done
  # shellcheck disable=SC2012 # names of lnode's own
  ls -t "$folder" | tail -n "+$((most + 1))" | while read -r name; do rm -f "$folder/$name"; done
fi
section end
