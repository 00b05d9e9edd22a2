"""`ssh -t` on the user's own tty: start it, wait for it, end it, and read its words.

No pty stands in between: ssh reads the keys and writes the screen itself, so typing is as fast as with ssh.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import Self

from lnode.ssh import arguments, brisk, forwarding, master, prompts, sign_in_memory
from lnode.ssh.log import SshLog
from lnode.ssh.login_watch import LoginWatch
from lnode.ssh.said import Said
from lnode.ssh.target import Target

_STOP = getattr(signal, "SIGSTOP", None)  # Windows has neither


class Terminal:
    """A running `ssh -t`; leaving the block ends it.

    A `silent` one cannot ask you; a `fresh` one uses no existing connection. One to which you sign in `again` goes on
    without a port that the lost terminal still holds: you would sign in for nothing. A standby carries it if that is
    still of use.
    """

    def __init__(
        self, target: Target, line: str, *, silent: bool = False, fresh: bool = False, again: bool = False
    ) -> None:
        if target.standby:
            master.forget_moved(target)
            if forwarding.binds_to_laptop(target) or not master.brings_your_agent(target):
                target = master.without(target)
        if silent and target.place.proxied and target.keep_warm != master.NEVER:
            target = master.without(target)  # lnode needs all words of the jump host's ssh: see master.with_master
        asking, self._environment = prompts.asking(target, may_ask=not silent)
        options = (
            *target.keepalive,
            *asking,
            *(arguments.LENIENT if again and not silent else ()),
            *((*arguments.FRESH, *target.route) if fresh and not target.control_path else target.sharing),
        )
        self.argv = arguments.terminal_argv(
            target.alias,
            line,
            connect_timeout_s=sign_in_memory.connect_timeout_s(target),
            options=options,
            config=target.config,
        )
        self.silent = silent
        self.watch = LoginWatch(target.place, may_ask=not silent)
        self.master = master.identity(target)  # the one that it finds
        self.may_ride = bool(self.master or (target.one("controlpath") and not fresh))
        self._log = SshLog(asks=not silent)
        self._held = False
        self.was_ended = False  # True if lnode has ended it: what ssh has not said by then says nothing of the host

    def __enter__(self) -> Self:
        self._log.__enter__()
        try:
            self._ssh = subprocess.Popen(self._log.argv(self.argv), stderr=self._log.fileno(), env=self._environment)
        except BaseException:
            self._log.__exit__(None, None, None)
            raise
        if self.master is None:
            brisk.hurry(self._ssh.pid)
        return self

    @property
    def pid(self) -> int:
        return self._ssh.pid

    def runs(self) -> bool:
        """True if ssh has not ended."""
        return self._ssh.poll() is None

    def wait(self) -> int:
        """Wait for the end of ssh. Return its exit status, or the negative number of the signal that ended it."""
        return self._ssh.wait()

    def end(self) -> None:
        """End ssh by SIGTERM, so that its jump processes end, too."""
        if self._ssh.poll() is None:
            self.was_ended = True
            self._ssh.terminate()
            self.release()  # a stopped process cannot obey

    def kill(self) -> None:
        """Kill an ssh that does not obey."""
        with suppress(ProcessLookupError):
            self._ssh.kill()

    def hold(self) -> None:
        """Stop ssh where it is: it reads no key and writes nothing; its connection lives on in the kernel."""
        if _STOP is not None and self._ssh.poll() is None:
            self._ssh.send_signal(_STOP)
            self._held = True

    def stop_too(self) -> bool:
        """Stop lnode if ssh has stopped itself (`~^Z`), so that your shell takes the tty back; `fg` continues both.

        Return True if it had.
        """
        if not self._has_stopped_itself():
            return False
        os.kill(os.getpid(), signal.SIGSTOP)
        return True

    def _has_stopped_itself(self) -> bool:
        return not self._held and _stopped_by(self.pid) == getattr(signal, "SIGTSTP", None)

    def release(self) -> None:
        """Let ssh go on."""
        if self._held:
            self._ssh.send_signal(signal.SIGCONT)
            self._held = False

    def said(self) -> Said:
        """Return the words of ssh itself and those of others."""
        return self._log.said()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
        self.wait()
        self._log.__exit__(kind, error, at)


def _stopped_by(pid: int) -> int:
    """Return the signal that has stopped a child, 0 if it runs. Before Python 3.13 macOS has no os.waitid."""
    if hasattr(os, "waitid"):
        try:
            found = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        except OSError:  # it has ended, or macOS knows it no more
            return 0
        return found.si_status if found else 0
    return _of_macos(pid) if sys.platform == "darwin" else 0


def _of_macos(pid: int) -> int:
    """Do the same by the C library; the numbers are those of sys/wait.h and sys/signal.h of macOS."""
    import ctypes
    import struct

    by_pid, hangs_not, stopped, waits_not = 1, 1, 8, 0x20
    told = ctypes.create_string_buffer(128)
    if ctypes.CDLL(None).waitid(by_pid, pid, told, stopped | hangs_not | waits_not) != 0:
        return 0
    of, _, status = struct.unpack_from("iii", told.raw, 12)  # si_pid, si_uid, si_status of siginfo_t
    return status if of == pid else 0
