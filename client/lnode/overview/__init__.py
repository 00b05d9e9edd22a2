"""All sessions and runs of your hosts: their last pictures, the answers as they come, and the table of both."""
