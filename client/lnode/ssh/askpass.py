"""Answers an ssh's prompts from the keychain, or asks you at its terminal (`ask_keychain` runs it).

The keychain answers only the prompt for which it keeps the answer, once for each ssh process. It gives a password only
to an ssh that lnode started itself, never to a jump host's. It asks you all other questions on /dev/tty. Exit 1 is a
refusal.
"""

import os
import re
import select
import subprocess
import sys
import time
from contextlib import suppress

from lnode.laptop import folders
from lnode.ssh import keychain
from lnode.ssh.kept import Kept
from lnode.ssh.keychain import KeychainFailed
from lnode.text import visible

_LOOK_S = 0.5
_TURN_S, _TURN_LOOK_S = 10.0, 0.2  # for a login with the same password
_VERDICT_S = 1.0  # for lnode, to note that an ssh that has ended was refused
_LINE = 1 << 12
_IN_THE_OPEN = re.compile(r"yes/no|type 'yes'")  # ssh's own questions; you type answers to a host unseen


def main() -> None:
    """Answer on standard output, or exit 1."""
    with suppress(KeyboardInterrupt):
        sys.exit(_main())
    sys.exit(1)


def _main() -> int:
    prompt, may_ask = sys.argv[1], os.environ["LNODE_MAY_ASK"] == "yes"
    if os.environ.get("SSH_ASKPASS_PROMPT") == "none":  # no question: a key that waits to be touched
        return 0 if may_ask and _show(prompt) else 1
    if not may_ask:
        _leave_terminal()
    fifo = os.environ.get("LNODE_LEARN")
    answer, trouble = (None, "") if fifo else _from_keychain(prompt)
    if answer is None and may_ask:
        answer = _from_person(f"lnode: {trouble}\n{prompt}" if trouble else prompt)
    if answer is None:
        return 1
    if fifo:
        _teach(fifo, prompt, answer)
    with suppress(BrokenPipeError):
        os.write(1, answer.encode("utf-8", "surrogateescape") + b"\n")
    return 0


def _leave_terminal() -> None:
    """Leave the terminal, because some keychains would ask at it."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


def _from_keychain(prompt: str) -> tuple[str | None, str]:
    """Return the answer, or None and a sentence for you about the reason; "" if there is nothing to tell."""
    alias = os.environ["LNODE_ALIAS"]
    kept = keychain.find(alias, os.environ["LNODE_ACCOUNT"], prompt)
    if kept is None or not (kept.key_file or _is_lnodes_own()):
        return None, ""
    if kept.key_file is None:
        with suppress(OSError):
            _take_turn(alias)
        if keychain.find(alias, os.environ["LNODE_ACCOUNT"], prompt) is None:
            return None, ""  # the host has refused it meanwhile
    try:
        if _has_been_answered(kept):
            if kept.key_file is None:
                keychain.refused(alias)
            return None, f"the keychain's {kept.name} is no longer right; give it the new one: lnode {alias} --sign-in"
        os.write(2, _mark(kept, "is asked by"))
        answer = keychain.fetch(kept)
        _note_answered(kept)
        os.write(2, _mark(kept))
    except KeychainFailed as failed:
        return None, str(failed)
    except OSError:  # lnode cannot note the answer, so the next prompt would get it again
        return None, ""
    return answer, ""


def _take_turn(alias: str) -> None:
    """Wait while another ssh signs in with the same password: if that is refused, a second one would be, too.

    The turn is a file with the number of that ssh. It ends with the login (keychain.end_turn), with that ssh, or when
    it takes too long.
    """
    path, asker = keychain.turn_path(alias), os.environ["LNODE_ASKER"]
    given_up = time.monotonic() + _TURN_S
    while time.monotonic() < given_up:
        with suppress(FileExistsError):
            folders.make_private(os.path.dirname(path))
            with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write(asker)
            return
        other = _holder(path)
        if other == asker:
            return
        if other and not _is_alive(other):
            time.sleep(_VERDICT_S)
            if _holder(path) == other:
                with suppress(FileNotFoundError):
                    os.unlink(path)
        else:
            time.sleep(_TURN_LOOK_S)
    folders.replace_privately(path, asker)


def _holder(path: str) -> str:
    """Return the number of the ssh whose turn it is, "" if there is none, or if it is just being written."""
    with suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        word = file.read(20)
        return word if word.isdecimal() else ""
    return ""


def _is_lnodes_own() -> bool:
    """True if lnode itself, not another ssh, started the ssh that asks."""
    return _of_asker("ppid") == os.environ["LNODE_PID"]


def _of_asker(column: str) -> str:
    """Return the number of its parent (`ppid`) or its start time (`lstart`), "" if lnode cannot tell.

    By ps, and without one that knows -p, as busybox' on Alpine, by proc(5): what is before `)` is the name.
    """
    asker = os.environ["LNODE_ASKER"]
    with suppress(OSError):
        argv = ["ps", "-o", f"{column}=", "-p", asker]
        if said := subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip():
            return said
    with suppress(OSError), open(f"/proc/{asker}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[{"ppid": 1, "lstart": 19}[column]]
    return ""


def _has_been_answered(kept: Kept) -> bool:
    """True if the keychain has given this answer to the ssh that asks. Raises OSError if lnode cannot tell."""
    with suppress(FileNotFoundError), open(_notes(), encoding="utf-8") as file:
        since, *names = file.read().split("\n")
        return since == _since() and visible(kept.name) in names
    return False


def _note_answered(kept: Kept) -> None:
    """Note it in a file of the ssh that asks; remove the files of other ssh that have ended. Raises OSError."""
    path, since = _notes(), _since()
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for pid in filter(str.isdecimal, os.listdir(folder)):
        if not _is_alive(pid):
            with suppress(FileNotFoundError):
                os.unlink(f"{folder}/{pid}")
    before = ""
    with suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
        before = file.read()
    if before.partition("\n")[0] != since:  # of an ssh that had the same number
        before = f"{since}\n"
    folders.replace_privately(path, f"{before}{visible(kept.name)}\n")


def _notes() -> str:
    return f"{folders.private_folder() or folders.state_folder()}/answered/{os.environ['LNODE_ASKER']}"


def _since() -> str:
    """Return the start time of the ssh that asks, because the kernel reuses its pid."""
    return _of_asker("lstart")


def _mark(kept: Kept, does: str = "answers") -> bytes:
    return f"lnode: the keychain {does} {os.environ['LNODE_ASKER']}: {visible(kept.name)}\n".encode()


def _from_person(prompt: str) -> str | None:
    """Ask at the terminal, unseen if the answer may be a secret. Return None without a terminal or an answer."""
    import termios

    try:
        tty = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return None
    unseen = not _IN_THE_OPEN.search(prompt)
    found = termios.tcgetattr(tty)
    if unseen:
        modes = termios.tcgetattr(tty)
        modes[3] &= ~(termios.ECHO | termios.ECHONL)
        termios.tcsetattr(tty, termios.TCSAFLUSH, modes)
    try:
        os.write(tty, _shown(prompt))
        return _line(tty)
    finally:
        if unseen and termios.tcgetattr(tty) == modes:  # else lnode has the terminal again, in its own modes
            termios.tcsetattr(tty, termios.TCSADRAIN, found)
            os.write(tty, b"\n")


def _line(tty: int) -> str | None:
    """Return the typed line; None at the end of input, or if the ssh that asks has ended."""
    typed = b""
    while not typed.endswith(b"\n"):
        if select.select([tty], [], [], _LOOK_S)[0]:
            chunk = os.read(tty, _LINE)
            if not chunk:
                return None
            typed += chunk
        elif not _waits():
            return None
    return typed.rstrip(b"\r\n").decode("utf-8", "surrogateescape")


def _waits() -> bool:
    """True if the ssh that asks still runs; otherwise it waits for no answer."""
    return _is_alive(os.environ["LNODE_ASKER"])


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, PermissionError):  # PermissionError: another user's process by now
        return False
    return True


def _show(prompt: str) -> bool:
    with suppress(OSError), open("/dev/tty", "wb", buffering=0) as tty:
        tty.write(_shown(prompt) + b"\n")
        return True
    return False


def _shown(prompt: str) -> bytes:
    """Return the prompt from the left margin on, as ssh prompts. Line breaks stay; the host may send other controls."""
    rows = (visible(row) for row in prompt.split("\n"))
    return ("\r" + "\n".join(rows)).encode("utf-8", "backslashreplace")


def _teach(fifo: str, prompt: str, answer: str) -> None:
    import json

    row = {"own": _is_lnodes_own(), "prompt": prompt, "answer": answer}
    with suppress(OSError), open(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), "w", encoding="utf-8") as lesson:
        print(json.dumps(row), file=lesson)
