# shellcheck shell=sh
# The ends of the screens on which an agent may be. Sourced text, not a program.

# find_shown: sets $of_shown to the panes in $rows, those of current windows first; 100 at most.
find_shown() {
  others='' number_shown=0
  set -f
  IFS='
'
  for row in $rows; do
    case $row in \$*' %'*' f'*' k'*) ;; *) continue ;; esac
    pane=${row#* %}
    pane=%${pane%% *}
    case " $of_shown $others " in *" $pane "*) continue ;; esac
    flags=${row#* f}
    case ${flags%% *} in
    *'*'*) of_shown="$of_shown $pane" ;;
    *) others="$others $pane" ;;
    esac
    number_shown=$((number_shown + 1))
    if [ "$number_shown" -ge 100 ]; then break; fi
  done
  unset IFS
  set +f
  of_shown="$of_shown $others"
}

# limited COMMAND...: within the patience for a call of tmux, if this host can limit it.
limited() {
  if have timeout; then timeout -k 1 "$patience_s" "$@"; else "$@"; fi
}

# show_screens PANE...: what tmux shows in them: for each screen with a sign a row about the pane, then the last 15 rows with text and
# those between, each behind a bar, or behind > if the cursor is in it; up to 40 if the choices of a dialog go on above, and 3 above the
# first of them. 2 kB for a session. tmux ends a call at a pane that has closed meanwhile: then once more without that. False if not all
# were shown.
show_screens() {
  screens=$(show_all "$@")
  all=$?
  if [ "$all" -eq 1 ]; then
    open=$(limited "$tmux" ${label:+-L "$label"} list-panes -a -F '#{pane_id}' 2>/dev/null | tr '\n' ' ')
    for pane; do
      shift
      case " $open" in *" $pane "*) set -- "$@" "$pane" ;; esac
    done
    if [ -n "$open" ]; then
      screens=$(show_all "$@")
      all=$?
    fi
  fi
  if [ -n "$screens" ]; then printf '%s\n' "$screens"; fi
  return "$all"
}

# show_all PANE...: the same in one call of tmux, which first says the heights, so that rows are counted: nothing on a screen looks like
# another one. The prefix ends the heights. 1 if tmux has said them and not shown all screens, 2 if it has not answered.
show_all() {
  ids=$*
  facts='#{pane_height} y#{cursor_y} c#{cursor_flag} a#{alternate_on} t#{window_activity} #{session_id}'
  set -- list-panes -a -F "size #{pane_id} $facts #{pane_title}" ';' show-options -g prefix
  for pane in $ids; do set -- "$@" ';' capture-pane -p -t "$pane"; done
  {
    limited "$tmux" ${label:+-L "$label"} -u "$@"
    printf '\n%s left\n' "$nonce" # a server of another version keeps the output that its client has sent it
  } 2>/dev/null | LNODE_SIGNS=$signs LNODE_PANES=$ids LNODE_END="$nonce left" LC_ALL=C awk '
    $0 == ENVIRON["LNODE_END"] { exit }
    BEGIN { signs = split(ENVIRON["LNODE_SIGNS"], sign, "\n"); panes = split(ENVIRON["LNODE_PANES"], pane, " ") }
    !begun && /^size %[0-9]+ [0-9]+ y/ {
      heard = 1; height[$2] = $3; cursor[$2] = substr($4, 2) + 1; of[$2] = $8
      about[$2] = $2 " " $5 " " $6 " " $7
      if ($5 == "c0") cursor[$2] = 0
      sub(/^size %[0-9]+ [0-9]+ y[0-9]* c[01]* a[01]* t[0-9]* [$][0-9]+ /, "")
      about[$2] = about[$2] " " substr($0, 1, 200)
      next
    }
    !begun { begun = 1; next }
    {
      if (!left) { at++; rows = 0; left = height[pane[at]] }
      if (!left) exit
      row[++rows] = substr($0, 1, 4000)
      if (!--left) { show(pane[at]); shown++ }
    }
    END { exit (shown < panes) * (heard ? 1 : 2) }
    function show(id,  last, first, full, i, k, found, size, text, wanted, top, both, under) {
      for (last = rows; last && row[last] ~ /^ *$/; last--) ;
      if (cursor[id] > last && cursor[id] <= last + 2) last = cursor[id]
      size = spent[of[id]] + length(about[id]) + 1
      if (size > 1800) return
      for (first = last + 1; first > 1 && (full < 15 || full < wanted); first--) {
        text = row[first - 1]
        both = text substr(under, 1, 40) # a sign may be wrapped
        for (k = 1; k <= signs && !found; k++) found = index(both, sign[k])
        under = text
        gsub(/(─)(─)(─)(─)+/, "───", text); gsub(/(━)(━)(━)(━)+/, "━━━", text)
        gsub(/(▀)(▀)(▀)(▀)+/, "▀▀▀", text); gsub(/(▄)(▄)(▄)(▄)+/, "▄▄▄", text)
        gsub(/         +/, "        ", text); sub(/ +$/, "", text)
        row[first - 1] = text = substr(text, 1, 600)
        if ((size += length(text) + 2) > 2000) break
        if (text != "") full++
        if (!top && text ~ /^[^0-9A-Za-z]*[0-9][0-9]?[.)] +[^ ]/) {
          sub(/^[^0-9]*/, "", text)
          top = text + 0 == 1
          wanted = top ? full + 3 : 40
        }
      }
      if (!found) return
      spent[of[id]] = size
      print about[id]
      for (i = first; i <= last; i++) print (i == cursor[id] ? ">" : "|") row[i]
    }'
}

# session_screens [PANE]: sets $rows to the screens of session $id, or of that pane alone. False if tmux says nothing about the session.
session_screens() {
  if ! ask list-panes -s -t "$id" -F '#{pane_id}'; then
    looked= # of pane.sh: what it has seen is over
    return 1
  fi
  # shellcheck disable=SC2086 # split on purpose
  rows=$(show_screens ${1:-$rows}) || return 0
}
