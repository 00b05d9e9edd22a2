"""The POSIX sh that runs on the cluster, the line that carries it, and the reply."""
