# shellcheck shell=sh
# Watches the sessions of one tmux server that have asked for it (@lnode_push), and tells your phone of each event once: the nodes are there,
# 60 and 15 minutes are left, an agent waits. It ends with the last of these sessions, or when another watcher has taken its place. It looks
# at tmux each 30 s, and at the scheduler only while a session of these has a request noted (parts/requests.sh): each minute while that waits,
# else when 60 or 15 minutes are left, and each 10 minutes. phone.sh writes $tmux, TMUX_TMPDIR and $sum before this.
# What was told is in an option of the server, so that another watcher goes on from there: `wPANE:SUM` of a question, and of a job
# `jJOB:w` if it waits, `jJOB:r` if it runs, `jJOB:60` and `jJOB:15`.
# values: signs rules shows
# parts: tmux server screens waits scheduler push

format='#{session_id} #{session_created} #{session_activity} #{session_attached} #{pane_pid} #{pane_id} f#{window_flags} k#{@lnode_push} #{session_name}'

nonce=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') # which no screen can know

# is_told TOKEN: also one that was there at the last look but one, because a screen may just be drawn again.
is_told() {
  case " $told $before " in *" $1 "*) ;; *) return 1 ;; esac
}

# keep TOKEN...: they are told, and go on.
keep() { now_told="$now_told $*"; }

# tell TEXT TOKEN [BEFORE]: TOKEN is told. If the message cannot be sent, it is not, and BEFORE stays in its place.
tell() {
  messages="$messages$2 ${3:--} $1
"
  keep "$2"
}

# take_back TOKEN BEFORE: that was not told.
take_back() {
  others=
  for token in $now_told; do
    if [ "$token" != "$1" ]; then others="$others $token"; fi
  done
  if [ "$2" != - ]; then others="$others $2"; fi
  now_told=${others# }
}

# see_agents: an agent that waits is told once, but not while you look at its session.
see_agents() {
  of_shown=''
  find_shown
  # shellcheck disable=SC2086 # split on purpose
  shown=$(show_screens $of_shown) || return 0
  find_waits 30 "$rules" "$rows" "$shown"
  while IFS='	' read -r where agent question dialog; do
    # shellcheck disable=SC2086 # split on purpose: session, pane, whether somebody looks
    set -- $where
    [ $# -eq 3 ] || continue
    sum_of=$(cksum <<END
$dialog
END
    )
    token=w$2:${sum_of%% *}
    if is_told "$token"; then keep "$token"; elif [ "$3" = 0 ]; then
      if [ -n "$shows" ]; then question=": $question"; else question=' for you'; fi
      tell "$agent in $(name_of "$1") waits$question" "$token"
    fi
  done <<END
$waits
END
}

name_of() {
  printf '%s\n' "$rows" | sed -n "s/^\\$1 .* kyes //p" | head -n 1
}

# see_jobs: asks the scheduler, if it is time to.
see_jobs() {
  noted=$(list_notes)
  clock=$(date +%s)
  if [ -z "$noted" ]; then
    asked=
  elif [ "$noted" = "$asked" ] && [ "$clock" -lt "$ask_at" ]; then
    keep_jobs
  else
    asked=$noted ask_at=$((clock + 60))
    if find_scheduler && "${scheduler}_asked" "${USER:-$(id -un)}" </dev/null; then see_each_job; else keep_jobs; fi
  fi
}

# list_notes: a row PID EPOCH JOB SESSION for each request of a session of these.
list_notes() {
  for file in "$requests/$this_node".*; do
    pid=${file##*.} at=''
    { read -r at job whose <"$file"; } 2>/dev/null
    case $pid,$at,$job in *[!0-9],* | *,*[!0-9]*,* | *,,*) continue ;; esac
    case "$names" in *"
$whose
"*) printf '%s %s %s %s\n' "$pid" "$at" "$job" "$whose" ;; esac
  done
}

# jobs_of_notes: a row JOB w|r SECONDS NODES SESSION for each job of these requests; `-` for unlimited time and for no node.
jobs_of_notes() {
  awk -v here="${this_node%%.*}" '
    NF == 4 && $1 ~ /^[0-9]+$/ && $2 ~ /^[0-9]+$/ && !($1 in began) && !at_jobs { began[$1] = $2; job[$1] = $3; of[$1] = $4; next }
    NF < 6 { next }
    {
      at_jobs = 1
      host = $3
      sub(/[.].*/, "", host)
      for (pid in began) {
        since = $4 - began[pid]
        if ($1 == job[pid] || (job[pid] == "-" && $2 == pid && host == here && since >= -300 && since <= ($5 == 0 ? 900 : 120))) {
          if ($6 ~ /^(PENDING|CONFIGURING)$/) print $1, "w", "-", "-", of[pid]
          else if ($6 == "RUNNING") print $1, "r", seconds($7), ($8 == "" ? "-" : $8), of[pid]
        }
      }
    }
    function seconds(text,  days, part, count, i, sum) {
      if (text !~ /^([0-9]+-)?[0-9:]+$/) return "-"
      if (index(text, "-")) { days = text + 0; sub(/^[0-9]+-/, "", text) }
      count = split(text, part, ":")
      for (i = 1; i <= count; i++) sum = sum * 60 + part[i]
      return days * 86400 + sum
    }'
}

# see_each_job: sets $ask_at to when the next question is due.
see_each_job() {
  next_s=600
  found=$(printf '%s\n%s\n' "$noted" "$jobs" | jobs_of_notes)
  while read -r job how left nodes whose; do
    case $job in '' | *[!A-Za-z0-9._+-]*) continue ;; esac
    case $how in
    w) keep "j$job:w" && next_s=60 ;;
    r) see_running ;;
    esac
  done <<END
$found
END
  if [ -z "$found" ]; then next_s=60; fi
  ask_at=$((clock + next_s))
}

# see_running: $job runs, $left seconds more. Limits that had passed when it was first seen are not told.
see_running() {
  was='' passed='' ended=''
  case " $told " in
  *" j$job:w "*)
    was=waited
    tell "$whose is on $nodes, job $job$(left_in_words)" "j$job:r" "j$job:w"
    ;;
  *" j$job:r "*)
    was=ran
    keep "j$job:r"
    ;;
  *) keep "j$job:r" ;;
  esac
  case $left in *[!0-9]*) return ;; esac
  for minutes in 15 60; do
    if [ "$left" -gt $((minutes * 60 + 60)) ]; then continue; fi
    if [ "$left" -gt $((minutes * 60)) ] && ! is_told "j$job:$minutes"; then continue; fi
    if [ "$was" = ran ] && [ -z "$ended" ] && ! is_told "j$job:$minutes"; then
      tell "$whose on $nodes ends in $(((left + 59) / 60)) min, job $job" "j$job:$minutes"
    else
      keep "j$job:$minutes"
    fi
    ended=yes
  done
  for minutes in 60 15; do
    passed=$((left - minutes * 60))
    if [ "$passed" -gt 0 ] && [ "$passed" -lt "$next_s" ]; then next_s=$((passed < 30 ? 30 : passed)); fi
  done
}

left_in_words() {
  case $left in
  *[!0-9]*) ;;
  *) if [ "$left" -ge 7200 ]; then echo ", $((left / 3600)) h left"; else echo ", $(((left + 59) / 60)) min left"; fi ;;
  esac
}

keep_jobs() {
  for token in $told; do
    case $token in j*) keep "$token" ;; esac
  done
}

# look: one look at all. False if no session is left that asks for it, if another watcher has taken over, or if that tmux was removed, which
# 20 looks in a row tell: nothing would ever say that its server has ended. A home may only be away for a while.
look() {
  awake='' now_told='' messages=''
  if ! [ -x "$tmux" ]; then
    gone=$((gone + 1))
    [ "$gone" -lt 20 ]
    return
  fi
  gone=0
  if ! list list-panes -a -F "$format"; then return 0; fi # tmux cannot be asked just now
  rows=$(printf '%s\n' "$rows" | grep ' kyes ')
  [ -n "$rows" ] || return
  panes=$rows
  ask show-options -g || return 0
  option @lnode_push_watch
  [ "$value" = "$$ $sum" ] || return
  option @lnode_push_told
  told=$value rows=$panes
  names="
$(printf '%s\n' "$rows" | sed 's/^.* kyes //')
"
  see_agents
  rows=$panes
  see_jobs
  now_told=${now_told# }
  if [ "$now_told" != "$told" ]; then ask set-option -g @lnode_push_told "$now_told"; fi
  before=$told
  noted_told=$now_told
  now=$(date +%s)
  while read -r token instead text; do
    if [ -n "$text" ] && ! send "$text"; then take_back "$token" "$instead"; fi
  done <<END
$messages
END
  [ "$now_told" != "$noted_told" ] || return 0
  ask show-options -g || return 0
  option @lnode_push_watch # it takes a while to find out that nothing can be sent
  if [ "$value" = "$$ $sum" ]; then ask set-option -g @lnode_push_told "$now_told"; fi
  return 0
}

# send TEXT: False if it was not sent. Then nothing is for five minutes: each try takes one of the places of an hour.
send() {
  [ "$now" -ge "$send_at" ] && push "$1" </dev/null && return
  if [ "$now" -ge "$send_at" ]; then send_at=$((now + 300)); fi
  if [ "$ask_at" -gt "$send_at" ]; then ask_at=$send_at; fi # the jobs are seen again then
  return 1
}

sum=${sum:-}
case $tmux in */*) ;; *) exit ;; esac
this_node=$(uname -n) requests=$HOME/.local/state/lnode/requests
before='' asked='' ask_at=0 send_at=0 gone=0
ask set-option -g @lnode_push_watch "$$ $sum"
sleep 1 # another one may start just now: the last is the one that stays
looked_at=$(date +%s)
while look; do
  spent=$(($(date +%s) - looked_at))
  if [ "$spent" -lt 0 ] || [ "$spent" -gt 29 ]; then spent=0; fi
  sleep $((30 - spent))
  looked_at=$(date +%s)
done
