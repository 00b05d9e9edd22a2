"""lnode's own block in a file that is the user's: put in and taken out; every other byte stays.

The block's first line remembers what the file was without it, so that taking it out gives back the very same bytes.
"""

import re

_FIRST = b"# >>> lnode >>> added by: lnode HOST --setup; taken out by: lnode HOST --setup --undo"
_LAST = b"# <<< lnode <<<\n"
_UNENDED = b" (after a line without an end)"
_NEW = b" (there was no file)"
_BLOCK = re.compile(
    b"(?P<end>\n?)^%s(?P<unended>%s)?(?P<new>%s)?\n.*?^%s" % tuple(map(re.escape, (_FIRST, _UNENDED, _NEW, _LAST))),
    re.MULTILINE | re.DOTALL,
)


def with_block(before: bytes | None, lines: str) -> bytes:
    """The file with `lines` in its one block, at the end. None is a file that is not there."""
    text = without_block(before)
    block = b"\n" + lines.rstrip("\n").encode() + b"\n" + _LAST
    if text is None:
        return _FIRST + _NEW + block
    if text and not text.endswith(b"\n"):
        return text + b"\n" + _FIRST + _UNENDED + block
    return text + _FIRST + block


def without_block(text: bytes | None) -> bytes | None:
    """The file without its block; None where there would be no file without it."""
    found = None if text is None else _BLOCK.search(text)
    if text is None or found is None:
        return text
    after = text[found.end() :]
    end = b"" if found["unended"] and not after else found["end"]
    rest = text[: found.start()] + end + after
    return None if found["new"] and not rest else rest
