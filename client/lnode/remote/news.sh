# shellcheck shell=sh
# Tell something in the session of this run: tmux itself does, so that nothing of ours falls between its bytes. The reply is
# framed as in client.sh: `told` if it was this run's to tell, `end` in any case.
# What is empty is left out.
# TEXT is for this run's own client, or with OPTION for all of the session's, if that could be changed from OLD to NEW. SOUND, a bell
# or an escape sequence that tmux is to pass through, goes out in the pane whose first process is PID, or in any.
# values: nonce run tmux_path title text option old new sound pane_pid
# parts: section tmux server scheduler own job_notes in_job

# Only where the user has no titles of their own.
set_title() {
  ask show-options -g set-titles
  case $rows in *on) return ;; esac
  rows=$options
  option set-titles
  if [ -n "$value" ]; then
    option @lnode_title
    [ -n "$value" ] || return 0
  fi
  ask set-option -t "$id:" @lnode_title on ';' set-option -t "$id:" set-titles on ';' \
    set-option -t "$id:" set-titles-string "$title"
}

# Change the option, unless another lnode did before: in one step of the server, where it can compare (tmux 2.4).
claim() {
  case $old$new in *[!A-Za-z0-9_.+\ -]*) return 1 ;; esac
  ask display-message -p '#{==:1,1}'
  if [ "$rows" = 1 ]; then
    ask if-shell -F -t "$id:" "#{==:#{$option},$old}" "set-option -t '$id:' $option '$new' ; display-message -p told"
    [ "$rows" = told ]
  else
    ask show-options -t "$id:"
    option "$option"
    [ "$value" = "$old" ] && ask set-option -t "$id:" "$option" "$new"
  fi
}

# show MILLISECONDS TTY: without freezing what is below, where tmux can do that (3.6); else shorter.
show() {
  ask display-message -C -d "$((2 * $1))" -c "$2" "$text" && return
  rows=$options
  option display-time
  its_own=$value
  if [ -z "$its_own" ]; then ask set-option -t "$id:" display-time "$1"; fi
  ask display-message -c "$2" "$text"
  if [ -z "$its_own" ]; then ask set-option -u -t "$id:" display-time; fi
}

# A pane that was stopped (Ctrl-S) takes nothing, for ever.
make_sound() {
  ask list-panes -s -t "$id:" -F '#{pane_pid} #{pane_tty} #{allow-passthrough}'
  row=$(printf '%s\n' "$rows" | grep "^$pane_pid " || printf '%s\n' "$rows" | head -n 1)
  case $row in
  *' off') if [ "${#sound}" -gt 1 ]; then return; fi ;;
  esac
  row=${row#* }
  printf %s "$sound" | timeout 2 tee "${row%% *}" >/dev/null 2>&1
}

# note_told: for those who list it from a login node.
note_told() {
  ask show-options -t "$id:"
  options=$rows
  for it in told warned; do
    rows=$options
    option "@lnode_$it"
    set -- "$@" "$(printf %s "${value:--}" | tr ' ' /)"
  done
  (umask 077 && printf '%s\n' "$*" >"$in_jobs/$LNODE_JOB.told") 2>/dev/null
}

if [ -z "$label" ] && find_job_of "$run"; then
  node=''
  go
fi
if find_tmux && everywhere find_run "$run" && [ -n "$id" ] && is_attached; then
  own=${mark%% *}
  if [ -n "$title" ]; then set_title; fi
  if [ -z "$option" ]; then
    if [ -n "$text" ]; then show 3000 "$own"; fi
    if [ -n "$sound" ]; then make_sound; fi
  elif claim; then
    section told
    if [ -n "$label" ]; then note_told; fi
    if [ -n "$text" ]; then
      ask list-clients -t "$id" -F '#{client_tty}'
      for tty in $rows; do show 6000 "$tty"; done
    fi
    if [ -n "$sound" ]; then make_sound; fi
  fi
fi
section end
