"""config.toml with more keys. Every byte that is there stays: lnode adds lines, and never writes the file again."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from lnode.laptop.settings import as_key


def keys_of(text: str, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return the keys of the table `[kind.name]`, None if there is no such table."""
    found = tomllib.loads(text).get(kind, {}).get(name)
    return found if isinstance(found, dict) else None


def with_keys(text: str, kind: str, name: str, keys: Mapping[str, str | int]) -> str:
    """Return the text with the keys that the table lacks; its lines end as before.

    Raises ValueError if lines alone cannot add them, as to a table that is written in one line.
    """
    if 0 < text.count("\n") == text.count("\r\n"):
        return with_keys(text.replace("\r\n", "\n"), kind, name, keys).replace("\n", "\r\n")
    there = keys_of(text, kind, name)
    missing = {key: value for key, value in keys.items() if key not in (there or {})}
    if not missing:
        return text
    wanted = tomllib.loads(text)
    wanted.setdefault(kind, {}).setdefault(name, {}).update(missing)
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in missing.items())
    for candidate in _candidates(text, kind, name, lines, is_new=there is None):
        try:
            if tomllib.loads(candidate) == wanted:
                return candidate
        except tomllib.TOMLDecodeError:
            continue
    raise ValueError(lines)


def _candidates(text: str, kind: str, name: str, lines: str, *, is_new: bool) -> Iterator[str]:
    """Yield the text with a new table at its end, or with the lines below a line that looks like the table's header."""
    ended = text if not text or text.endswith("\n") else f"{text}\n"
    if is_new:
        gap = "\n" if ended else ""
        yield f"{ended}{gap}{header(kind, name)}\n{lines}"
        return
    spelled = rf"(?:{re.escape(name)}|\"{re.escape(name)}\"|'{re.escape(name)}')"
    for found in re.finditer(rf"^[ \t]*\[\s*{kind}\s*\.\s*{spelled}\s*\].*\n", ended, re.MULTILINE):
        yield f"{ended[: found.end()]}{lines}{ended[found.end() :]}"


def header(kind: str, name: str) -> str:
    """Return the line above a table."""
    return f"[{kind}.{as_key(name)}]"
