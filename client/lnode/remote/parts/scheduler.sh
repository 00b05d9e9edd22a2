# shellcheck shell=sh
# Second part of most scripts: which scheduler is here. Sourced text, not a program.

# PBS and Grid Engine both have qstat and qselect, only Grid Engine has qconf. A Slurm site may have PBS's names as wrappers.
scheduler_on_path() {
  scheduler=
  if have squeue; then
    scheduler=slurm
  elif have bjobs; then
    scheduler=lsf
  elif have qconf; then
    scheduler=sge
  elif have qselect; then
    scheduler=pbs
  fi
  [ -n "$scheduler" ]
}

# Sets $scheduler. False where there is none, or none that is known here.
find_scheduler() {
  scheduler_on_path && return
  need squeue slurm
  scheduler_on_path
}

# Is it a program here, or a function or an alias of the login shell, which will read the request?
knows() {
  need "$1" slurm || "${SHELL:-/bin/sh}" -c "type $1" >/dev/null 2>&1 || "${SHELL:-/bin/sh}" -c "which $1" >/dev/null 2>&1
}
