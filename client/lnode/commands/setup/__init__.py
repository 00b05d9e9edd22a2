"""`--setup`: the files on the cluster that a handbook tells you to change."""
