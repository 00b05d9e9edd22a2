"""Keep a compute-node session alive on an HPC cluster, from your laptop."""
