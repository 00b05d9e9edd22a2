"""lnode's own block in one of your files: added and removed. Every other byte stays.

The block's first line remembers how the file was before, so that removing the block gives back the very same bytes.
"""

import re

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
    found = None if text is None else _BEGIN.search(text)
    last = -1 if text is None or found is None else text.find(b"\n" + _LAST, found.end() - 1)
    if text is None or found is None or last < 0:
        return text
    after = text[last + len(b"\n" + _LAST) :]
    end = b"" if found["unended"] and not after else found["end"]
    rest = text[: found.start()] + end + after
    return None if found["new"] and not rest else rest


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
