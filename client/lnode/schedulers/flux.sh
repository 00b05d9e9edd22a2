# shellcheck shell=sh disable=SC2034 # names are put together in remote/parts/scheduler.sh, which says what each is
flux_program=flux flux_module='' flux_places='' flux_variables=FLUX
flux_requesters=flux-job flux_relays=flux-job flux_steps='' flux_daemon='' flux_gives_up='' flux_cancels='flux cancel'

# `number`, the process and its job: a flux alloc becomes `flux-job attach ID`. In a locale without UTF-8, ps shows the letter before
# the ID as question marks.
flux_evidence() {
  printf '%s\n' "$3" | LC_ALL=C sed -n -e "s/.* attach f\([1-9A-HJ-NP-Za-km-z]*\)\$/number $1 f\1/p;t" \
    -e "s/.* attach [^0-9A-Za-z]*\([1-9A-HJ-NP-Za-km-z]*\)\$/number $1 f\1/p"
}

flux_jobs() {
  timeout 8 flux jobs -n --color=never -u "$1" \
    -o '{id.hex}|{state}|{urgency}|{t_submit}|{duration}|{t_remaining}|{nodelist}|{annotations.sched.reason_pending}|{name}'
}

flux_probe() {
  timeout -k 1 4 flux jobs -n -u "$1" -c 1 >/dev/null 2>&1 </dev/null
}
