"""lnode's own block in one of your files: added and removed. Every other byte stays.

The block's first line remembers how the file was before, so that removing the block gives back the very same bytes.
"""

import re
from itertools import zip_longest

_FIRST = b"# >>> lnode >>> added by: lnode HOST --setup; taken out by: lnode HOST --setup --undo"
_LAST = b"# <<< lnode <<<\n"
_UNENDED = b" (after a line without an end)"
_NEW = b" (there was no file)"
_BEGIN = re.compile(
    b"(?P<end>\n?)^%s(?P<unended>%s)?(?P<new>%s)?\n" % tuple(map(re.escape, (_FIRST, _UNENDED, _NEW))), re.MULTILINE
)
_AROUND = 3  # lines of a diff before and after the change


def with_block(before: bytes | None, lines: str) -> bytes:
    """Return the file with `lines` in its one block, at the end. None is a file that does not exist."""
    text = without_block(before)
    block = b"\n" + lines.rstrip("\n").encode() + b"\n" + _LAST
    if text is None:
        return _FIRST + _NEW + block
    if text and not text.endswith(b"\n"):
        return text + b"\n" + _FIRST + _UNENDED + block
    return text + _FIRST + block


def without_block(text: bytes | None) -> bytes | None:
    """Return the file without its block; None if lnode created the file."""
    found = None if text is None else _block_in(text)
    if text is None or found is None:
        return text
    begin, last = found
    after = text[last + len(b"\n" + _LAST) :]
    end = b"" if begin["unended"] and not after else begin["end"]
    rest = text[: begin.start()] + end + after
    return None if begin["new"] and not rest else rest


def _block_in(text: bytes) -> tuple[re.Match[bytes], int] | None:
    """Return the beginning of the block, and the place of its end. A first line whose last one is gone is no block.

    Lines of your own may follow it, up to the end of another block.
    """
    begins = [*_BEGIN.finditer(text)]
    for begin, behind in zip_longest(begins, begins[1:]):
        last = text.find(b"\n" + _LAST, begin.end() - 1, behind.end("end") if behind else len(text))
        if last >= 0:
            return begin, last
    return None


def difference(before: bytes | None, after: bytes | None, path: str) -> list[str]:
    """Return the lines of a unified diff; none if nothing differs.

    It has one hunk, because lnode changes one block. So it takes linear time for any file.
    """
    old, new = _lines(before), _lines(after)
    if old == new:
        return []
    most = min(len(old), len(new))
    same = next((at for at in range(most) if old[at] != new[at]), most)
    below = next((at for at in range(most - same) if old[-1 - at] != new[-1 - at]), most - same)
    top, bottom = max(0, same - _AROUND), min(_AROUND, below)
    return [
        f"--- {path}",
        f"+++ {path}",
        f"@@ -{_span(top, len(old) - below + bottom)} +{_span(top, len(new) - below + bottom)} @@",
        *(f" {line}" for line in old[top:same]),
        *(f"-{line}" for line in old[same : len(old) - below]),
        *(f"+{line}" for line in new[same : len(new) - below]),
        *(f" {line}" for line in new[len(new) - below : len(new) - below + bottom]),
    ]


def _span(begin: int, end: int) -> str:
    """Return `BEGIN,LENGTH` as diff(1) prints it: BEGIN counts from 1, but from 0 if LENGTH is 0."""
    length = end - begin
    first = begin + 1 if length else begin
    return f"{first}" if length == 1 else f"{first},{length}"


def _lines(text: bytes | None) -> list[str]:
    return (text or b"").decode("utf-8", "backslashreplace").splitlines()
