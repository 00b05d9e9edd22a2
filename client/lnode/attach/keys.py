"""The input from a terminal, told apart: your keys, a paste, and the terminal's own reports."""

import re

# Mouse, focus, answers to queries (CSI ? > and CSI n;nR, OSC, DCS and their like): xterm's ctlseqs
_REPORT = re.compile(
    rb"\x1b\[<[\d;]*[mM]|\x1b\[M...|\x1b\[\d+;\d+;\d+[Mt]|\x1b\[[IO]|\x1b\[[?>=][\d;]*\$?[a-zA-Z]|\x1b\[\d+;\d+R"
    rb"|\x1b\[\d+n|\x1b[]P_^X].*?(?:\x07|\x1b\\)", re.DOTALL,
)  # fmt: skip
_PASTE = re.compile(rb"\x1b\[20([01])~")
_KEY = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1bO.|\x1b?[^\x80-\xbf][\x80-\xbf]*", re.DOTALL)
_BEGUN = re.compile(
    rb"\x1b(?:\[(?:[0-?]*[ -/]*|M.{0,2})|O|[]P_^X](?:(?!\x07|\x1b\\).)*)?\Z"
    rb"|\x1b?(?:[\xc0-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf7][\x80-\xbf]{0,2})\Z", re.DOTALL,
)  # fmt: skip
_LONGEST = 1 << 16  # of a report: its beginning is kept, so that its rest does not count as keys

PASTED = b""  # a pasted character, not a pressed key
_INTERRUPT = b"\x03"  # Ctrl-C


class Keys:
    """Takes input, however it is split; `begun` are the bytes that need more."""

    def __init__(self) -> None:
        self.begun = b""
        self._pasting = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the complete keys, PASTED for each pasted one."""
        data, at, keys = self.begun + chunk, 0, list[bytes]()
        while at < len(data) and not _BEGUN.match(data, at):
            if report := _REPORT.match(data, at):
                at = report.end()
            elif paste := _PASTE.match(data, at):
                at, self._pasting = paste.end(), paste[1] == b"0"
            elif key := _KEY.match(data, at):
                at = key.end()
                self._pasting = self._pasting and key[0] != _INTERRUPT  # the end of a paste may have got lost
                keys.append(PASTED if self._pasting else key[0])
            else:  # a byte that begins nothing
                at += 1
        rest = data[at:]
        self.begun = rest if len(rest) <= _LONGEST else rest[:2]
        return keys

    def settle(self) -> list[bytes]:
        """Return the begun bytes as a key, because no more came: Esc, for example."""
        if self._pasting:  # it is the beginning of the end, which comes late
            return []
        begun, self.begun = self.begun, b""
        return [begun] if begun[:1] == b"\x1b" and len(begun) <= len(b"\x1b[") else []
