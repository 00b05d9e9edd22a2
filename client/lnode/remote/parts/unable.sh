# shellcheck shell=sh
# Before the files of all schedulers: what these answer if their own file has nothing of that name. They do not keep who asked, and
# cannot be asked when a request would start; nothing of lnode can go into a job. scheduler.sh says what each function is.
for one in $schedulers; do
  one=${one%:*}
  eval "${one}_list() { ask_for_clients 2>/dev/null; }; ${one}_asked() { jobs=; }"
  for able in node back when step end_step end_requested; do eval "${one}_$able() { return 1; }"; done
  for able in queues closures requested_on compute_nodes cluster called; do eval "${one}_$able() { :; }"; done
done
