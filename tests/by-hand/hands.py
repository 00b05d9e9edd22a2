"""Hands for macos.sh: a terminal that is typed into, limits of time, a question to you. For Python 3.8 or newer.

`play SECONDS PROGRAM...` reads steps from standard input, one a line:
    see TEXT        wait until TEXT is printed after the last text that was seen; blanks and colors do not count
    type KEYS       type; `\\r` is Enter, `\\x02` is Ctrl-b
    until TEXT|KEYS type KEYS every three seconds until TEXT is printed
    never TEXT      TEXT has not been printed so far
    run COMMAND     run a line of sh to its end, its output unseen
    signal NAME     send a signal to the programs in the foreground, as STOP or CONT
    pause SECONDS
    end STATUS      wait for the end of PROGRAM
`limit SECONDS PROGRAM...` runs a program without a terminal. `watch SECONDS PID FOLDER` ends all that takes too long.
`ask SECONDS TEXT` asks you. `deaf FILE` is a server that never says a word, on the port that it writes into FILE.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

# Titles and other strings, moves and colors, other escapes; blanks and control characters.
_CONTROL = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P^_][^\x1b]*\x1b\\|\x1b\[[0-9:;<=>?]*[ -/]*[@-~]"
    r"|\x1b[()].|\x1b.|[\x00-\x20]"
)
_AGAIN_S = 3
_SHOWN = 300
_KILL_AFTER_S = 5


class WrongError(Exception):
    """A step that did not come true."""


def bare(text):
    """Return the text without blanks, colors and moves of the cursor."""
    return _CONTROL.sub("", text)


class Hands:
    """A program in a terminal of 30 rows and 100 columns."""

    def __init__(self, argv, within_s):
        self.within_s, self.said, self.seen, self.status = within_s, b"", 0, None
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 30, 100, 0, 0))
            try:
                os.execvp(argv[0], argv)
            finally:
                os._exit(127)

    def printed(self):
        return bare(self.said.decode("utf-8", "replace"))

    def read(self, seconds):
        """Take in what is printed; False after the end."""
        if not select.select([self.end], [], [], seconds)[0]:
            return True
        try:
            chunk = os.read(self.end, 1 << 16)
        except OSError:
            chunk = b""
        self.said += chunk
        return bool(chunk)

    def see(self, text, again=b""):
        until, next_at = time.monotonic() + self.within_s, 0.0
        while True:
            printed = self.printed()
            at = printed.find(bare(text), self.seen)
            if at >= 0:
                self.seen = at + len(bare(text))
                return
            if again and time.monotonic() >= next_at:
                os.write(self.end, again)
                next_at = time.monotonic() + _AGAIN_S
            if time.monotonic() > until or not self.read(0.2):
                self.read(0)
                raise WrongError(f"never shown: {text!r}; last: {self.printed()[-_SHOWN:]!r}")

    def look(self):
        """Take the status of a program that has ended."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self.status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def wait(self):
        over = time.monotonic() + self.within_s
        while self.status is None:
            self.read(0.1)
            self.look()
            if self.status is None and time.monotonic() > over:
                raise WrongError(f"does not end; last: {self.printed()[-_SHOWN:]!r}")
        return self.status

    def signal(self, name):
        """Send it to the programs in the foreground. A terminal without any has the group 0, which would be our own."""
        group = os.tcgetpgrp(self.end)
        if group > 1:
            os.killpg(group, getattr(signal, f"SIG{name}"))

    def close(self):
        """End whatever still runs: what is in the foreground, then the program."""
        for name in ("CONT", "HUP", "KILL"):
            if self.status is not None:
                break
            with contextlib.suppress(OSError):
                self.signal(name)
            with contextlib.suppress(OSError):
                os.kill(self.pid, getattr(signal, f"SIG{name}"))
            over = time.monotonic() + (0 if name == "CONT" else _KILL_AFTER_S)
            while self.status is None and time.monotonic() < over:
                self.read(0.1)
                self.look()
        os.close(self.end)


def run(hands, line):
    done = subprocess.run(
        ["/bin/sh", "-c", line], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=hands.within_s, check=False,
    )  # fmt: skip
    if done.returncode:
        raise WrongError(f"{line}: {done.stdout.decode('utf-8', 'replace')[-_SHOWN:]!r}")


def never(hands, text):
    if bare(text) in hands.printed():
        raise WrongError(f"shown: {text!r}; last: {hands.printed()[-_SHOWN:]!r}")


def until(hands, rest):
    text, _, keys = rest.rpartition("|")
    hands.see(text, again=typed(keys))


def pause(hands, seconds):
    over = time.monotonic() + float(seconds)
    while time.monotonic() < over:
        hands.read(0.1)


def end(hands, status):
    if hands.wait() != int(status):
        raise WrongError(f"ended with {hands.status}; last: {hands.printed()[-_SHOWN:]!r}")


def typed(keys):
    return keys.encode().decode("unicode_escape").encode("latin-1")


_STEPS = {
    "see": Hands.see,
    "type": lambda hands, keys: os.write(hands.end, typed(keys)),
    "until": until,
    "never": never,
    "run": run,
    "signal": Hands.signal,
    "pause": pause,
    "end": end,
}


def play(within_s, argv):
    steps = [line for line in sys.stdin.read().splitlines() if line.strip()]
    hands = Hands(argv, within_s)
    try:
        for line in steps:
            word, _, rest = line.strip().partition(" ")
            _STEPS[word](hands, rest)
    except (WrongError, OSError, subprocess.TimeoutExpired) as error:
        print(f"at `{line.strip()}`: {error}")
        return 1
    finally:
        hands.close()
    return 0


def limit(within_s, argv):
    """Run a program in a group of its own, so that all of it ends with its time."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return child.wait(within_s) % 256
    except subprocess.TimeoutExpired:
        print(f"took more than {within_s:.0f} s")
        return 124
    finally:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)


def watch(within_s, argv):
    """End a process that takes too long, and each that has FOLDER in its words: a shell waits for those."""
    time.sleep(within_s)
    told = subprocess.run(["ps", "-A", "-ww", "-o", "pid=", "-o", "args="], stdout=subprocess.PIPE, check=False).stdout
    rows = (row.split(None, 1) for row in told.decode("utf-8", "replace").splitlines())
    found = [int(row[0]) for row in rows if len(row) > 1 and argv[1] in row[1]]
    for pid in [int(argv[0]), *found]:
        if pid != os.getpid():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)
    return 0


def ask(within_s, argv):
    """Return 0 for yes, 1 for no, 2 if nobody answers."""
    try:
        with open("/dev/tty", "r+b", buffering=0) as tty:
            tty.write(f"{argv[0]} [y/n] ".encode())
            answered = select.select([tty], [], [], within_s)[0]
            return (0 if tty.readline().strip().lower().startswith(b"y") else 1) if answered else 2
    except OSError:
        return 2


def deaf(argv):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(8)
        Path(argv[0]).write_text(str(server.getsockname()[1]))
        held = []
        while True:
            held.append(server.accept())


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    verb, *words = sys.argv[1:]
    if verb == "deaf":
        deaf(words)
    sys.exit({"play": play, "limit": limit, "watch": watch, "ask": ask}[verb](float(words[0]), words[1:]))
