# shellcheck shell=sh
# A run's log from a byte on, in frames: a line `NONCE KIND WORDS`, and for `data OFFSET LENGTH` so many bytes and a line
# `NONCE ok` (runs/log_frames.py). At least one frame a second, so that a silence means something, and whoever has gone is noticed.
# ID is the run's, LINES how many to begin with, MODE once or follow; ID, OFFSET and LINES may be empty.
# values: nonce name id offset lines mode
# parts: section scheduler own runs
most=65536 me=''

# size_of_log: sets $size. False where the log cannot be read just now, as on NFS: an unknown size is no shorter log.
size_of_log() {
  size=$({ wc -c <log; } 2>/dev/null) || return
  case $size in '' | *[!0-9\ ]*) return 1 ;; esac
  size=$((size)) # without the blanks of some
}

# start_of_lines: sets $offset to where the last $lines lines begin, within the first $size bytes: it may grow all the while. It looks at the last
# 64 kB, at eight times as much if that is too little, and so on. False where the log cannot be read.
start_of_lines() {
  if [ -z "$lines" ] || [ "$size" -eq 0 ]; then
    offset=0
    return
  fi
  window=65536
  while :; do
    if [ "$window" -gt "$size" ]; then window=$size; fi
    last=$({ tail -c "+$((size - window + 1))" log | head -c "$window" | tail -n "$lines" | wc -c; } 2>/dev/null)
    if [ "$last" -eq 0 ] && [ "$lines" -ne 0 ]; then return 1; fi
    if [ "$last" -lt "$window" ] || [ "$window" -eq "$size" ]; then break; fi
    window=$((window * 8))
  done
  offset=$((size - last))
}

# chunk: the next $length bytes. False if a program of it has failed; one that the end of the reader ended (SIGPIPE) has not.
chunk() {
  {
    left=$({ { tail -c "+$((offset + 1))" log 2>/dev/null; echo $? >&3; } | head -c "$length" >&4 || echo 1 >&3; } 3>&1)
  } 4>&1
  for status in $left; do
    if [ "$status" -ne 0 ] && [ "$status" -le 128 ]; then return 1; fi
  done
}

# enter_folder: that of the run, which may be called NAME.1 from here on.
enter_folder() {
  for folder in "$runs/$name" "$runs/$name.1"; do
    read_run "$folder"
    if [ -n "$state" ] && { [ -z "$id" ] || [ "$run" = "$id" ]; } && cd "$folder"; then return; fi
  done
  return 1
}

# again: waits a second, ten times in a row: then whoever follows asks anew, and learns whether the run is gone.
again() {
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] && sleep 1
}

tries=3
until enter_folder; do
  if ! [ -d "$runs/$name" ] || ! again; then
    section gone
    exit 0
  fi
done
section "run $(row_of "$name")"

tries=10 behind=0
while :; do
  read_run . # before the size: what was written before the end is in it
  if ! size_of_log; then
    section "beat $offset"
    again && continue
    exit 0
  fi
  if [ -z "$offset" ] && ! start_of_lines; then
    section "beat $offset"
    again && continue
    exit 0
  fi
  tries=10
  if [ "$size" -ge "$offset" ]; then
    behind=0
  elif [ "$state" = elsewhere ] && [ "$behind" -lt 60 ]; then # what that node has written comes here only later over NFS
    behind=$((behind + 1))
    section "beat $offset"
    sleep 1
    continue
  else
    section shrunk
    offset=0
  fi
  if [ "$size" -eq "$offset" ]; then section "beat $offset"; fi
  while [ "$offset" -lt "$size" ]; do
    length=$((size - offset))
    if [ "$length" -gt "$most" ]; then length=$most; fi
    section "data $offset $length"
    chunk || exit 0
    section ok
    offset=$((offset + length))
  done
  if [ "$mode" = once ] || [ "$state" = ended ] || [ "$state" = lost ]; then break; fi
  sleep 1
done
section "over $(row_of "$name")"
