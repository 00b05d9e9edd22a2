"""The sessions and runs of your hosts: `--ls`, and the picker of `lnode` without words."""
