"""`--init`: from an ssh alias to the first session on your cluster."""
