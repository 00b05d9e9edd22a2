# shellcheck shell=sh
# Which session a job is of, where that outlives tmux: in the home a file NODE.PID for each pane that asks for an allocation on this
# login node, of `EPOCH JOB SESSION`. The scheduler keeps PID and NODE with the job, so JOB is mostly `-`: only a pane that has brought a
# job back has another one's. The pane writes its note before it asks (request.sh), and removes it when its job has ended (tmux.py). A note
# whose pane is gone is of a session that was lost: its login node or its tmux has crashed, or somebody has ended it by hand.
requests=$own_state/requests

# shellcheck disable=SC2154,SC2329 # of list.sh; not every script lists them
# list_requests: the seconds since this node has started, then a row for each of its own notes: PID EPOCH JOB SESSION. A note goes
# if its pane and its job are gone, unless a restart of the node has ended them, which is to be told. $panes and $jobs are what tmux and the
# scheduler have said.
list_requests() {
  own_folder requests || return 0
  section requests
  find_up_s
  printf '%s\n' "$up_s"
  number_of_notes=0
  for file in "$requests/$this_node".*; do
    noted=''
    if [ "${file%.*}" = "$requests/$this_node" ] && is_own "$file"; then { read -r noted <"$file"; } 2>/dev/null; fi
    case $noted in [0-9]*' '*' '*) ;; *) continue ;; esac
    if is_over "${file##*.}" "${noted%% *}" "${noted#* }"; then
      rm -f "$file"
      continue
    fi
    printf '%s %s\n' "${file##*.}" "$noted"
    number_of_notes=$((number_of_notes + 1))
    if [ "$number_of_notes" -ge 200 ]; then break; fi
  done
}

# shellcheck disable=SC2154 # of list.sh
# note_by_hand: a note for each pane in which somebody has asked by hand, or once more. Only what the scheduler says of its own
# interactive jobs counts: a batch job may be your work.
note_by_hand() {
  case $jobs in *"$nonce jobs"*" ${this_node%%.*}"*) ;; *) return 0 ;; esac
  printf '%s\nlnode-jobs\n%s\n' "$panes" "$jobs" | awk -v here="${this_node%%.*}" '
    /^lnode-jobs$/ { at_jobs = 1; next }
    !at_jobs {
      name = $0
      if ($1 ~ /^[$]/ && $6 ~ /^%/ && sub(/^.* k[^ ]* o[^ ]* e([^ ]+ [^ ]+ [0-9]+)? w([^ ]+ [0-9]+)? t[^ ]* /, "", name)) {
        names[$5] = name
        created[$5] = $2
      }
      next
    }
    { host = $8; sub(/[.].*/, "", host) }
    $1 ~ /^[0-9]/ && $3 == "0" && host == here && ($2 in names) && $4 >= created[$2] - 300 { print $2, $4, names[$2] }' |
    while read -r pid asked whose; do
      kill -s 0 "$pid" 2>/dev/null || continue # its pane has ended meanwhile
      noted='' file=$requests/$this_node.$pid
      { read -r noted <"$file"; } 2>/dev/null
      case $noted,$asked in
      ,[0-9]* | [0-9]*' - '*,[0-9]*) if [ "${noted%% *}" -gt 0 ] 2>/dev/null && [ "$asked" -le $((${noted%% *} + 900)) ]; then continue; fi ;;
      *) continue ;;
      esac
      if own_folder requests || make_own_folder requests; then
        (umask 077 && rm -f "$file" && printf '%s - %s\n' "$asked" "$whose" >"$file") 2>/dev/null
      fi
    done
}

# shellcheck disable=SC2154 # of list.sh
# is_over PID EPOCH JOB: see list_requests; the note is of a minute ago at least, and all has been asked.
is_over() {
  case $panes in '' | *" $1 %"*) return 1 ;; esac
  case $jobs in *"$nonce jobs"* | *"$nonce clients"*) ;; *) return 1 ;; esac
  case $jobs in *"$nonce scheduler-silent"* | *" $1 "*) return 1 ;; esac
  case ${3%% *},$jobs in [0-9]*,*"${3%% *} "*) return 1 ;; esac
  case $2 in *[!0-9]*) return 1 ;; esac
  [ $((clock - $2)) -gt 60 ] && [ $((clock - $2)) -lt "${up_s:-0}" ]
}

# find_up_s: sets $up_s to the seconds since this node, or its container, has started; to nothing if that is not known. proc(5): field 22
# of stat, in ticks, of which Linux tells 100 a second to everybody.
find_up_s() {
  up_s=''
  if { read -r up_s _ </proc/uptime && read -r stat </proc/1/stat; } 2>/dev/null; then
    set -f
    # shellcheck disable=SC2086 # split on purpose
    set -- ${stat##*\) }
    set +f
    up_s=${up_s%%.*}
    if [ "$((${20} / 100))" -lt "$up_s" ]; then up_s=$((up_s - ${20} / 100)); fi
  elif [ -z "$up_s" ]; then
    up_s=$(ps -o etimes= -p 1 2>/dev/null | tr -d ' ')
  fi
  up_s=${up_s%%.*}
}

# notes_of SESSION [anywhere]: a row NODE PID EPOCH JOB for each note of that session: of this node, or of all.
notes_of() {
  own_folder requests || return 0
  name_node
  for file in "$requests"/*.*; do
    began=''
    if is_own "$file"; then { read -r began job of <"$file"; } 2>/dev/null; fi
    node=${file##*/} pid=${file##*.}
    node=${node%.*}
    if [ -n "$began" ] && [ "$of" = "$1" ] && { [ -n "$2" ] || [ "$node" = "$this_node" ]; }; then
      case $pid,$began,$job in *[!0-9],* | *,*[!0-9]*,* | ,* | *,,*) ;; *) printf '%s %s %s %s\n' "$node" "$pid" "$began" "$job" ;; esac
    fi
  done
}

# is_held: does a tmux server of yours still hold one of the panes of $its_notes? The one that has been asked does not know them, so that one
# has lost its socket to it. Sets $held to its pid.
is_held() {
  : "${me:=$(id -u)}"
  held=$({
    printf '%s\n' "$its_notes" | sed -n "s/^$this_node \([0-9]*\) .*/note \1/p"
    ps -u "$me" -o pid= -o ppid= -o comm= 2>/dev/null
  } | awk '
    $1 == "note" { noted[$2] = 1; next }
    { parent[$1] = $2; program[$1] = $3 }
    END { for (pane in noted) if (pane in parent && program[parent[pane]] ~ /^tmux/) print parent[pane] }' | head -n 1)
  [ -n "$held" ]
}

# find_orphan SESSION [anywhere]: sets $orphan to the job that such a session has left behind, $note to the file of its note, and
# $waits to yes if it has no node yet; to nothing if there is none. False if the scheduler cannot be asked, or if another cluster of a
# federation has the job. A pane that only just dies takes
# its job with it, if it can.
find_orphan() {
  orphan='' note='' waits='' held=''
  name_node
  its_notes=$(notes_of "$@")
  if [ -n "$its_notes" ]; then leave_out_shown; fi
  [ -n "$its_notes" ] || return 0
  if ! find_scheduler; then
    [ -z "$login_late" ]
    return
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    is_any_alive || break
    nap 0.2
  done
  if is_held; then return 0; fi
  insist "${scheduler}_asked" "${USER:=$(id -un)}" || return
  found=$(match_notes)
  if [ -z "$found" ]; then
    rename_own_hosts
    found=$(match_notes)
  fi
  # shellcheck disable=SC2086 # split on purpose: job, state, note
  set -- $found
  if [ $# -eq 3 ]; then
    orphan=$1 note=$requests/$3
    case $2 in yes) waits=yes ;; elsewhere) return 1 ;; esac
  fi
}

# rename_own_hosts: gives this node its own name in $jobs, where the scheduler knows it by that of another network.
rename_own_hosts() {
  # shellcheck disable=SC2046 # split on purpose: hosts
  told=$(tell_hosts $(printf '%s\n' "$jobs" | awk 'NF >= 6 && $3 != "-" { print $3 }' | sort -u))
  case $told in *'self '*) ;; *) return ;; esac
  jobs=$(printf '%s\n%s\n' "$told" "$jobs" | awk -v here="$this_node" '
    NF == 2 { if ($1 == "self") own[$2] = 1; next }
    $3 in own { $3 = here }
    { print }')
}

# match_notes: of the jobs in $jobs that which one of $its_notes has asked for, as `JOB WAITS FILE`. A state that is none of the ends is no end.
# WAITS is `elsewhere` if another cluster may have the job, or if its host is not known (`-`): then it may be another login node's. A batch job
# is a request's, as a site's program makes it, only if that has submitted it at once, and if there is no other: you may have submitted it.
match_notes() {
  printf '%s\n%s\n' "$its_notes" "$jobs" | awk '
    BEGIN { waits[0] = "no"; waits[1] = "yes"; waits[2] = "elsewhere" }
    NF == 4 { node = $1; sub(/[.].*/, "", node); notes++; began[notes] = $3; job[notes] = $4; pid[notes] = $2; at[notes] = node " " $2; file[notes] = $1 "." $2; next }
    NF < 6 || $6 ~ /^(COMPLET.*|CANCELLED|FAILED|TIMEOUT|PREEMPTED|DEADLINE|OUT_OF_ME.*|STAGE_OUT|.*_FAIL|LAUNCH_FAILED)$/ { next }
    {
      node = $3; sub(/[.].*/, "", node)
      for (i = 1; i <= notes; i++) {
        since = $4 - began[i]
        same = at[i] == node " " $2 || (node == "-" && pid[i] == $2)
        if (job[i] == $1 || (job[i] == "-" && same && since >= -300 && since <= ($5 == 0 ? 900 : 120))) {
          unsure = $6 == "REVOKED" || (job[i] == "-" && node == "-")
          rank = unsure ? 2 : $6 ~ /^(PENDING|REQUEUE.*|RESV_DEL_HOLD|SPECIAL_EXIT|EXPEDITING|POWER_UP_NODE)$/
          batch = job[i] == "-" && $5 != 0
          if (!found || batch < best_batch || (batch == best_batch && rank < best)) {
            found = $1 " " waits[rank] " " file[i]; best = rank; best_batch = batch
          }
        }
      }
    }
    END { if (found) print found }'
}

# leave_out_shown: takes from $its_notes those of panes that tmux shows: their session is there, perhaps by another name.
leave_out_shown() {
  before=$rows
  if ask list-panes -a -F 'pane #{pane_pid}'; then
    its_notes=$(printf '%s\n%s\n' "$rows" "$its_notes" | awk -v here="$this_node" '
      $1 == "pane" { shown[$2] = 1; next }
      NF && !($1 == here && ($2 in shown))')
  fi
  rows=$before
}

# is_any_alive: is something left of the panes of $its_notes? salloc and its like give the job back after their pane has gone. A later process
# of that number is none of them.
is_any_alive() {
  : "${me:=$(id -u)}"
  {
    printf '%s\n' "$its_notes" | sed -n "s/^$this_node /note /p"
    ps -u "$me" -o sid= -o etimes= 2>/dev/null
  } | awk -v now="$(date +%s)" '
    $1 == "note" { began[$2] = $3; next }
    ($1 in began) && (late = now - $2 - began[$1]) >= -60 && late <= 900 { found = 1 }
    END { exit !found }'
}

# forget_requests SESSION: the notes of this node.
forget_requests() {
  name_node
  notes_of "$1" | while read -r its_node its_pid _; do rm -f "$requests/$its_node.$its_pid"; done
}
