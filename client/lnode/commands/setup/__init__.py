"""`--setup`: the files that a handbook has you change on the cluster."""
