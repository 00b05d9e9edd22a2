"""lnode keeps a compute-node session alive on an HPC cluster, from a laptop."""
