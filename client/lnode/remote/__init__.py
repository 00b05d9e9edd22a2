"""The POSIX sh that runs on the cluster, and the one line that carries it there.

The line has no newline and no `!`, and means the same to bash, zsh, dash, fish, csh and tcsh: script and values travel
in base64, in words that no shell finds too long. Compared with a script on standard input it costs one round trip less
and leaves standard input free, for the terminal and for `--kill`'s verdict.
"""

import binascii
import os
import re
import shlex

_PARTS = {
    "session": ("tmux.sh", "scheduler.sh", "own.sh", "nodes.sh", "lasting.sh", "session.sh"),
    "list": ("tmux.sh", "scheduler.sh", "clients.sh", "own.sh", "nodes.sh", "runs.sh", "list.sh"),
    "kill": ("tmux.sh", "scheduler.sh", "clients.sh", "own.sh", "nodes.sh", "runs.sh", "list.sh", "kill.sh"),
    "renew": ("tmux.sh", "scheduler.sh", "clients.sh", "own.sh", "nodes.sh", "runs.sh", "list.sh", "renew.sh"),
    "hostkey": ("tmux.sh", "scheduler.sh", "clients.sh", "own.sh", "nodes.sh", "runs.sh", "list.sh", "hostkey.sh"),
    "sshd": ("tmux.sh", "own.sh", "sshd.sh"),
    "client": ("tmux.sh", "client.sh"),
    "news": ("tmux.sh", "news.sh"),
    "setup": ("tmux.sh", "scheduler.sh", "setup.sh"),
    "doctor": ("tmux.sh", "scheduler.sh", "own.sh", "lasting.sh", "doctor.sh"),
    "peek": ("tmux.sh", "pane.sh", "peek.sh"),
    "send": ("tmux.sh", "pane.sh", "send.sh"),
    "wait": ("tmux.sh", "pane.sh", "wait.sh"),
    "rescue": ("tmux.sh", "own.sh", "nodes.sh", "lasting.sh", "rescue.sh"),
    "reset": ("tmux.sh", "pane.sh", "reset.sh"),
    "run": ("tmux.sh", "own.sh", "runs.sh", "lasting.sh", "run.sh"),
    "run_on": (
        "tmux.sh",
        "scheduler.sh",
        "clients.sh",
        "own.sh",
        "nodes.sh",
        "runs.sh",
        "list.sh",
        "lasting.sh",
        "run.sh",
    ),
    "logs": ("own.sh", "runs.sh", "logs.sh"),
    "keeper": ("keeper.sh",),
}
_WORD = 4096  # bytes: bsd-csh takes no word longer than 8187
_COMMENT = re.compile(r"^\s*#.*\n|^\s*\n", re.MULTILINE)


def line(script: str, *values: str) -> str:
    """The shell line that runs `script`, one of _PARTS, with `values` as its $1, $2, ...

    Values may hold anything but NUL. At most about 120 kB in all (Linux MAX_ARG_STRLEN).
    """
    text = f"set -- {shlex.join(values)}\n{source(script)}"
    encoded = binascii.b2a_base64(text.encode("utf-8", "surrogateescape"), newline=False).decode("ascii")
    words = " ".join(encoded[at : at + _WORD] for at in range(0, len(encoded), _WORD))
    return f'exec /bin/sh -c \'eval "$(printf %s "$@" | base64 -d)"\' sh {words}'


def run_id() -> str:
    """16 hex digits for one run of lnode, by which it knows its session and its own client again."""
    return os.urandom(8).hex()


def nonce() -> str:
    """A word that frames one reply, and that no rc file prints."""
    return f"lnode-{os.urandom(8).hex()}"


def source(script: str) -> str:
    """The script's text, without its comments."""
    here = os.path.dirname(__file__)
    texts = []
    for part in _PARTS[script]:
        with open(f"{here}/{part}", encoding="utf-8") as file:
            texts.append(_COMMENT.sub("", file.read()))
    return "".join(texts)
