# shellcheck shell=sh
# A run's log from a byte on, in frames: a line `NONCE KIND WORDS`, and for `data OFFSET LENGTH` so many bytes and a line
# `NONCE ok` (chunks.py). At least one frame a second, so that a silence means something, and whoever has gone is noticed.
# ID is the run's, LINES how many to begin with, MODE once or follow; ID, OFFSET and LINES may be empty.
# values: nonce name id offset lines mode
# parts: section own runs
most=65536

size_of_log() {
  size=$(($(wc -c <log)))
}

# start_of_lines: sets $offset to where the last $lines lines begin. Not by reading a log of gigabytes from its start, unless it
# grows all the while.
start_of_lines() {
  for _ in 1 2 3 4 5; do
    size_of_log
    before=$size
    offset=$((size - $(tail -n "$lines" log | wc -c)))
    size_of_log
    if [ "$size" -eq "$before" ]; then return; fi
  done
  offset=$((size - $(head -c "$size" log | tail -n "$lines" | wc -c)))
}

folder=
for candidate in "$runs/$name" "$runs/$name.1"; do
  read_run "$candidate"
  if [ -n "$state" ] && { [ -z "$id" ] || [ "$run" = "$id" ]; }; then
    folder=$candidate
    break
  fi
done
if [ -z "$folder" ] || ! cd "$folder"; then # from here on it may be called NAME.1
  section gone
  exit 0
fi
section "run $(row_of "$name")"

if [ -z "$offset" ]; then
  offset=0
  if [ -n "$lines" ]; then start_of_lines; fi
fi

while :; do
  read_run . # before the size: what was written before the end is in it
  size_of_log
  if [ "$size" -lt "$offset" ]; then
    section shrunk
    offset=0
  fi
  if [ "$size" -eq "$offset" ]; then section "beat $offset"; fi
  while [ "$offset" -lt "$size" ]; do
    length=$((size - offset))
    if [ "$length" -gt "$most" ]; then length=$most; fi
    section "data $offset $length"
    tail -c "+$((offset + 1))" log | head -c "$length"
    section ok
    offset=$((offset + length))
  done
  if [ "$mode" = once ] || [ "$state" = ended ] || [ "$state" = lost ]; then break; fi
  sleep 1
done
section "over $(row_of "$name")"
