# shellcheck shell=sh
# Part of every script that has to do with runs: where they are kept, and how each is.
#
# A run NAME has a folder of that name: `command` as a POSIX shell would read it, `log`, `started` (one row, see keeper.sh)
# and, once it is over, `ended` (exit code and time). NAME.new is a run that is being started, and the lock on the name;
# NAME.1 is the run before; NAME.old-... could not be removed. Other login nodes may see the folder too, and know nothing of its
# processes. Another cluster may share the home: its runs are none of this one's, whatever their hosts are called.
runs=$own_state/runs here=''

# begin_of PID: sets $begin to the start of that process, which tells it from a later one, because pids are used again.
# False where there is none. proc(5): the 22nd field, ticks since boot; what is before `)` is the name.
begin_of() {
  begin=
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || [ ! -d /proc/self ] || return 1
  if [ -d /proc/self ]; then
    set -f
    # shellcheck disable=SC2086 # split on purpose
    set -- ${stat##*\) }
    set +f
    case $1 in [ZX]) return 1 ;; esac
    shift 19
    begin=$1
  else
    begin=$(ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' _)
  fi
  [ -n "$begin" ]
}

# lives PID BEGIN: does that very process live?
lives() {
  begin_of "$1" && [ "$begin" = "$2" ]
}

# read_run FOLDER: sets $state, and $run, $host, $leader, ... from what is kept there. $state is empty where there is no run (or it
# is not to be trusted, own.sh), `lost` where its processes are gone and have left no exit code, `elsewhere` where only another host could
# tell. It is empty, too, where the run is of $others_cluster.
read_run() {
  state='' run=- host=- leader=- code=- ended=- others_cluster=''
  is_own "$1" || return
  { read -r run host leader tick keeper keeper_tick started in_job in_session in_cluster <"$1/started"; } 2>/dev/null || return
  if [ -n "$in_cluster" ]; then find_cluster; fi # it is not noted where none is known
  if [ "${in_cluster:-$cluster}" != "${cluster:-$in_cluster}" ]; then
    others_cluster=$in_cluster
    return
  fi
  if [ "$host" != "${here:=$(uname -n)}" ]; then
    state=elsewhere
  elif lives "$keeper" "$keeper_tick" || lives "$leader" "$tick"; then
    state=running
  else
    state=lost
  fi
  if { read -r code ended <"$1/ended"; } 2>/dev/null; then state=ended; fi # after the look: it may have just ended
}

# row_of NAME: the run that read_run found, in one row (runs/record.py).
row_of() {
  printf '%s %s %s %s %s %s %s %s %s %s' \
    "$1" "$run" "$state" "$host" "$leader" "$started" "${ended:--}" "${code:--}" "${in_job:--}" "${in_session:--}"
}

# list_runs: a row for each, with the beginning of its command; those that go on, and the latest of the others, 500 in all.
list_runs() {
  own_folder runs || return
  over='' number_of_runs=0
  # shellcheck disable=SC2010 # the latest first; other names are no runs
  for its in $(ls -t "$runs" | grep '^[A-Za-z0-9_-]*$'); do
    if [ -e "$runs/$its/ended" ]; then over="$over $its"; else list_run "$its"; fi
  done
  for its in $over; do list_run "$its"; done
}

# list_run NAME
list_run() {
  if [ "$number_of_runs" -ge 500 ]; then return; fi
  read_run "$runs/$1"
  [ -n "$state" ] || return
  number_of_runs=$((number_of_runs + 1))
  row_of "$1"
  printf ' %s\n' "$(head -c 200 "$runs/$1/command" 2>/dev/null | tr '\n' ' ')"
}
