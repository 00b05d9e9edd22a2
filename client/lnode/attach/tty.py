"""The user's own tty: its original modes, its keys while no ssh has it, and the modes that tmux left on in it."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from lnode.laptop import folders, screen

if TYPE_CHECKING:
    import asyncio

    from lnode.attach.keys import Keys

try:
    import termios
except ImportError:  # Windows: the console keeps its modes by itself, and its keys
    termios = None  # type: ignore[assignment]

# The modes that tmux set and could not reset after a cut, as its own stop sequence does (tty.c, tty_stop_tty, 2026):
# margins and scroll region (which move the cursor), charset, attributes, keypad, the modes below, cursor shape and
# colour, extended keys. And a hyperlink that was cut in two, and the title from before, which its screen had come with.
_MODES = (
    1,  # cursor keys
    12,  # a cursor that blinks
    1000, 1002, 1003, 1005, 1006,  # the mouse
    1004,  # focus reports
    2004,  # bracketed paste
    2026,  # an update that is shown at once at its end
    2031,  # reports of a change between light and dark (tmux 3.6)
    7727,  # Escape as a key of its own (mintty)
)  # fmt: skip
_DISARM = (
    "\x1b7\x1b[?69l\x1b[r\x1b8\x1b]8;;\x1b\\\x1b(B\x1b[m\x1b>"
    + "".join(f"\x1b[?{mode}l" for mode in _MODES)
    + "\x1b[?25h\x1b[0 q\x1b]112\x07\x1b[>4m\x1b[23;0t"
)
_LEAVE = "\x1b[?1049l"  # the alternate screen

_CHUNK = 1 << 12
_ALONE_S = 0.8  # a key without another one for so long before and after it is not part of a word
_INTERRUPT = b"\x03"
_WORD_S = 2.0  # the same before it, after a word: who types slowly is still in it


class Tty:
    """The terminal in which you started lnode; the end of the block restores its modes.

    `unsent` counts the keys since `listen`.
    """

    def __init__(self) -> None:
        self._modes: list[Any] | None = None
        self._found: list[Any] | None = None
        self._muted = False
        self._size: tuple[int, int] | None = None  # of the window, while programs see another
        self._path: str | None = None  # the file with the modes
        self._reading: asyncio.AbstractEventLoop | None = None
        self._last, self._last_at = b"", 0.0  # the key that came last, and when
        self._in_word = False  # two keys have come, one soon after the other
        self._run: bytes | None = None  # the key that you press alone or repeatedly, None in a word
        self._quiet: asyncio.TimerHandle | None = None
        self.unsent = 0

    def __enter__(self) -> Self:
        if termios is not None:
            self._modes = termios.tcgetattr(0)
            with suppress(OSError, ValueError, OverflowError, termios.error):
                self._inherit(self._modes)
        return self

    def _inherit(self, found: list[Any]) -> None:
        """Clean up after a killed lnode in this terminal: end its ssh, and restore the modes."""
        with open(_path(), encoding="ascii") as file:
            lnode, session, ssh, *modes = map(int, file.read().split())
        if session != os.getsid(0) or _is_in(session, lnode):
            return
        if ssh > 1 and _is_in(session, ssh):
            os.kill(ssh, signal.SIGKILL)  # after any other signal ssh would set modes
        plain = termios.ICANON | termios.ECHO
        if found[3] & plain != plain and len(modes) == len(_numbers(found)):
            self._modes = [*modes[:6], modes[6:]]
            self.restore()

    def keep(self, ssh: int) -> None:
        """Keep the modes for the next lnode here, if this one is killed; `ssh` is the process that has the tty."""
        if termios is None or self._modes is None:
            return
        with suppress(OSError):
            self._path = _path()
            folders.make_private(os.path.dirname(self._path))
            with open(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                print(os.getpid(), os.getsid(0), ssh, *_numbers(self._modes), file=file)

    def listen(self, on_key: Callable[[bytes], None]) -> None:
        """Take the keys without an echo, count them and drop them. `on_key` gets a key only if it comes alone."""
        import asyncio

        from lnode.attach.keys import Keys

        if termios is None or self._modes is None:
            return
        self.forget_muted()
        self._muted = False
        with suppress(termios.error):  # the window may be closed
            modes = termios.tcgetattr(0)
            if self._reading is None:
                self._found = termios.tcgetattr(0)
            modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IXON)
            modes[1] |= termios.OPOST  # a killed ssh has left it off: see is_raw
            modes[3] &= ~(termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN)
            modes[6][termios.VMIN], modes[6][termios.VTIME] = 1, 0
            termios.tcsetattr(0, termios.TCSANOW, modes)
        if self._reading is None:
            self._run, self._last_at, self._in_word = None, float("-inf"), False
            self._reading = asyncio.get_running_loop()
            self._reading.add_reader(0, self._read, self._reading, Keys(), on_key)

    def _read(self, loop: "asyncio.AbstractEventLoop", keys: "Keys", on_key: Callable[[bytes], None]) -> None:
        try:
            chunk = os.read(0, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:  # the window is closed: HUP is on its way
            self.unlisten()
            return
        pressed = keys.feed(chunk)
        self._count(loop, pressed)
        if pressed or keys.begun:
            if self._quiet:
                self._quiet.cancel()
            self._quiet = loop.call_later(_ALONE_S, self._settle, loop, keys, on_key)

    def _count(self, loop: "asyncio.AbstractEventLoop", pressed: list[bytes]) -> None:
        for key in pressed:
            self.unsent += 1
            in_word = self._in_word and key not in (self._last, _INTERRUPT)  # no word has either
            if loop.time() - self._last_at >= (_WORD_S if in_word else _ALONE_S):
                self._run, self._in_word = key, False
            elif key != self._run:
                self._run, self._in_word = None, True
            self._last, self._last_at = key, loop.time()

    def _settle(self, loop: "asyncio.AbstractEventLoop", keys: "Keys", on_key: Callable[[bytes], None]) -> None:
        self._quiet = None
        self._count(loop, keys.settle())
        alone, self._run = self._run, None
        if alone:
            on_key(alone)

    def unlisten(self) -> None:
        """Leave the keys to the next reader, and drop the unread ones."""
        if self._reading is not None:
            self._reading.remove_reader(0)
            self._reading = None
        if self._quiet:
            self._quiet.cancel()
            self._quiet = None
        self.unsent = 0

    def mute(self) -> None:
        """Let no key through to the ssh that has the tty and goes on reading it; Ctrl-C is a signal.

        Nobody else can read there without a race. But a line that never ends is never read, however long: canonical
        mode, without a character that ends a line (termios(3): NL, EOL, EOF).
        """
        if termios is None:
            return
        with suppress(termios.error):
            self._found = termios.tcgetattr(0)
            modes = termios.tcgetattr(0)
            off = os.fpathconf(0, "PC_VDISABLE")
            modes[0] = modes[0] & ~(termios.ICRNL | termios.IXON) | termios.INLCR
            modes[3] = modes[3] & ~(termios.ECHO | termios.ECHONL | termios.IEXTEN) | termios.ICANON | termios.ISIG
            modes[6] = [bytes([off])] * len(modes[6])
            modes[6][termios.VINTR] = b"\x03"
            termios.tcsetattr(0, termios.TCSANOW, modes)
            self._muted = True

    def forget_muted(self) -> None:
        """Drop the keys typed while the tty was muted, if it is: in other modes a program would read them."""
        if self._muted:
            self.forget_keys()

    def give_back(self) -> None:
        """Leave the keys to the ssh that was held or muted, in the modes that it had set."""
        self.unlisten()
        self.forget_muted()
        self._muted = False
        if termios is not None and self._found is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSANOW, self._found)

    def shrink(self) -> None:
        """Tell programs that the window has one row less, until `unshrink`: they draw it anew."""
        if termios is not None:
            with suppress(termios.error):
                rows, columns = termios.tcgetwinsize(0)
                if rows > 1:
                    self._size = rows, columns
                    termios.tcsetwinsize(0, (rows - 1, columns))

    def unshrink(self) -> None:
        """Tell programs the size of the window again, unless you have changed it meanwhile."""
        size, self._size = self._size, None
        if termios is not None and size:
            with suppress(termios.error):
                if termios.tcgetwinsize(0) == (size[0] - 1, size[1]):
                    termios.tcsetwinsize(0, size)

    def is_raw(self) -> bool:
        """True if the tty has ssh's modes, not those of `listen`, in which output is processed."""
        if termios is not None:
            with suppress(termios.error):
                return not termios.tcgetattr(0)[1] & termios.OPOST
        return False

    def forget_keys(self) -> None:
        """Drop the keys that are typed and not read."""
        if termios is not None:
            with suppress(termios.error):
                termios.tcflush(0, termios.TCIFLUSH)

    def restore(self) -> None:
        """Restore the modes from before lnode."""
        if termios is not None and self._modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._modes)

    def disarm(self) -> None:
        """Switch off the modes that a tmux left on after a cut."""
        screen.write_control(_DISARM)

    def leave_screen(self) -> None:
        """Go back to the screen from before tmux."""
        screen.write_control(_LEAVE)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.unlisten()
        self.restore()
        if self._path is not None:
            with suppress(OSError):
                os.unlink(self._path)


def event_loop() -> "asyncio.AbstractEventLoop":
    """Return an event loop that can watch standard input.

    On macOS kqueue refuses /dev/tty, which is standard input after `lnode </dev/tty`, and select(2) does not.
    """
    import asyncio
    import selectors

    if termios is None:
        return asyncio.new_event_loop()
    selector: selectors.BaseSelector = selectors.DefaultSelector()
    try:
        selector.register(0, selectors.EVENT_READ)
        selector.unregister(0)
    except OSError:
        selector.close()
        selector = selectors.SelectSelector()
    return asyncio.SelectorEventLoop(selector)


def _path() -> str:
    return f"{folders.state_folder()}/tty{os.ttyname(0).replace('/', '-')}"


def _is_in(session: int, pid: int) -> bool:
    """True if the process lives in that session. After its end another process may have its pid."""
    try:
        return os.getsid(pid) == session
    except OSError:
        return False


def _numbers(modes: list[Any]) -> tuple[int, ...]:
    """Return the modes of tcgetattr as numbers; its control characters are bytes."""
    return (*modes[:6], *(character if isinstance(character, int) else character[0] for character in modes[6]))
