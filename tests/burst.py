"""A program in raw mode that reads as agents do: an Enter within 120 ms of other characters is a newline of the text.

`python tests/burst.py FILE [brackets]` appends each submitted text to FILE as a line of JSON. With `brackets` it asks
for bracketed paste (xterm's mode 2004), and takes what comes in brackets as text.
"""

import json
import os
import sys
import termios
import time
import tty
from contextlib import suppress

BURST_S = 0.12  # Codex: PASTE_ENTER_SUPPRESS_WINDOW in its paste_burst.rs
BEGIN, END = b"\x1b[200~", b"\x1b[201~"


def main() -> None:
    file, brackets = sys.argv[1], sys.argv[2:] == ["brackets"]
    before = termios.tcgetattr(0)
    tty.setraw(0)
    with suppress(OSError):  # a reader that a busy machine keeps waiting takes the Enter for a part of the burst
        os.nice(-20)
    os.write(1, b"\x1b[?2004h> " if brackets else b"> ")
    text, rest, last, pasting = b"", b"", 0.0, False
    try:
        while chunk := os.read(0, 4096):
            now = time.monotonic()
            rest += chunk
            while rest:
                if brackets and (BEGIN.startswith(rest) or END.startswith(rest)) and rest not in (BEGIN, END):
                    break  # a bracket that is not whole
                if brackets and rest.startswith((BEGIN, END)):
                    pasting, rest = rest.startswith(BEGIN), rest[len(BEGIN) :]
                    continue
                key, rest = rest[:1], rest[1:]
                if key != b"\r" or pasting or now - last <= BURST_S:
                    text, last = text + (b"\n" if key == b"\r" else key), 0.0 if pasting else now
                    continue
                with open(file, "a", encoding="utf-8") as found:
                    print(json.dumps(text.decode()), file=found)
                text = b""
    finally:
        termios.tcsetattr(0, termios.TCSANOW, before)


if __name__ == "__main__":
    main()
