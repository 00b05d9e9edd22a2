"""The keys of config.toml in words, for the man page and the docs."""

from collections.abc import Mapping

KEYS: Mapping[str, str] = {
    "session": "the name of your session if you type none",
    "command": "asks for an allocation and opens a shell in it; may have {mem} {time} {partition} {gpus} {cpus}",
    "mem": "fills {mem}, a number in the unit of your command, mostly MB; -m replaces it for one time",
    "time": "fills {time}; -t replaces it for one time",
    "partition": "fills {partition}; -p replaces it for one time",
    "gpus": "fills {gpus}; -g replaces it for one time",
    "cpus": "fills {cpus}; -c replaces it for one time",
    "tmux": "the path of tmux on the host, if lnode does not find it on PATH, in a login shell or as a module",
    "keep_warm": "how long a sign-in stays open after its last use, as 30m or 2h; yes: until you end it; no: never",
    "login_nodes": "the address of a login node that your laptop reaches directly, with {node} for its name",
    "cwd": "the folder in which sessions and runs start, if not your home",
    "where": "the machine with the tmux of a new session: login, or node for the compute node",
    "keep": "how long a session on its node goes on in one allocation after the other, as 3 weeks; or no",
    "resume": "with keep: the command by which a program of yours goes on in the next allocation, as claude --continue",
    "push": "the https address to which the cluster sends messages for your phone, as of an ntfy topic",
    "push_question": "yes: such a message shows the question of an agent; no: only that it waits",
}
