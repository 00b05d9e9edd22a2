# shellcheck shell=sh
# A step that shares no GPU has none, though its job has (an old Slurm, slurm.sh). It would see all of the node, or none: so it takes
# the numbers of the session's shell, another process of the job on this node. In $LNODE_JOB is the job.

# sh that prints them, a row NAME=VALUE each; nothing if the step has GPUs of its own. Text, because what runs it is on the node.
# shellcheck disable=SC2016,SC2034 # for the sh there
gpus_of_shell='case $CUDA_VISIBLE_DEVICES in
("" | NoDevFiles)
  grep -lzx "[A-Z]*_JOB_ID=$LNODE_JOB" /proc/[0-9]*/environ 2>/dev/null | while read -r its; do
    tr "\0" "\n" <"$its" | grep -E "^(CUDA_VISIBLE_DEVICES|ROCR_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|ZE_AFFINITY_MASK)=[0-9A-Za-z,.:/-]*$" |
      grep -v =NoDevFiles && break
  done 2>/dev/null
  ;;
esac'
