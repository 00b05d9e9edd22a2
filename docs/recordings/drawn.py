"""Screens of a terminal -> an SVG, a film if there are several; and an SVG -> the text of its screens.

The film is a strip of screens, one below the other. CSS moves the strip behind a window of one screen, step by step.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

_WIDTH, _HEIGHT = 8.4, 18.0  # of a cell, in px
_BASELINE = 13.5
_MARGIN = 14.0
_SVG = "{http://www.w3.org/2000/svg}"

# light, dark: the text of each keeps a contrast of at least 4.5 to its ground
_COLOURS = {
    "ground": ("#fbfbf8", "#16181d"), "text": ("#24292f", "#d6d9de"),
    "black": ("#24292f", "#0d1014"), "red": ("#b42318", "#ff8a80"), "green": ("#1a7f37", "#6fdd8b"),
    "brown": ("#8a5a00", "#e3b341"), "blue": ("#0a58ca", "#79b8ff"), "magenta": ("#8250df", "#d2a8ff"),
    "cyan": ("#0b7285", "#66d9e8"), "white": ("#57606a", "#d6d9de"),
}  # fmt: skip

# under black text
_GROUNDS = {name: (_COLOURS[name][1],) * 2 for name in ("red", "green", "brown", "blue", "magenta", "cyan")}


class Cell(NamedTuple):
    """A character, the names of its colours ("text" and "ground" if it has none of its own), and if it is bold."""

    char: str
    colour: str
    ground: str
    bold: bool = False


class Screen(NamedTuple):
    """Rows of cells, how long they stay, and whether each recording must show them again."""

    rows: Sequence[Sequence[Cell]]
    cursor: tuple[int, int] | None  # column, row
    seconds: float
    passing: bool = False


class Shown(NamedTuple):
    """The text of a screen, without blanks at the end of its rows."""

    rows: tuple[str, ...]
    passing: bool


def svg(screens: Sequence[Screen], title: str) -> str:
    """Return the image. If you want no motion, you see the fullest of the screens that pass."""
    ids: dict[str, int] = {}
    strip = "".join(
        f'<g class="{"passing" if screen.passing else "kept"}">{"".join(_uses(screen, at, ids))}</g>\n'
        for at, screen in enumerate(screens)
    )
    defs = "".join(f'<g id="r{number}">{row}</g>\n' for row, number in ids.items())
    columns, rows = len(screens[0].rows[0]), len(screens[0].rows)
    width, height = columns * _WIDTH, rows * _HEIGHT
    outer = _px(width + 2 * _MARGIN), _px(height + 2 * _MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {" ".join(outer)}" width="{outer[0]}" '
        f'height="{outer[1]}" role="img" aria-label={quoteattr(title)}>\n'
        f"<title>{escape(title)}</title>\n<style>{_style(screens, height)}</style>\n"
        f'<rect class="on-ground" width="100%" height="100%" rx="8"/>\n<defs>\n{defs}</defs>\n'
        f'<svg x="{_px(_MARGIN)}" y="{_px(_MARGIN)}" width="{_px(width)}" height="{_px(height)}">\n'
        f'<g class="strip">\n{strip}</g>\n</svg>\n</svg>\n'
    )


def read(image: str) -> list[Shown]:
    """Return the text of each screen of an image."""
    root = ElementTree.fromstring(image)
    rows = {group.get("id", ""): _text(group) for group in root.iter(f"{_SVG}g") if group.get("id")}
    (strip,) = (group for group in root.iter(f"{_SVG}g") if group.get("class") == "strip")
    height = round(float(next(iter(root.findall(f"{_SVG}svg"))).get("height", "0")) / _HEIGHT)
    shown = []
    for at, group in enumerate(strip):
        lines = [""] * height
        for use in group.findall(f"{_SVG}use"):
            lines[round(float(use.get("y", "0")) / _HEIGHT) - at * height] = rows[use.get("href", "")[1:]]
        shown.append(Shown(tuple(lines), group.get("class") == "passing"))
    return shown


def _text(row: ElementTree.Element) -> str:
    line = ""
    for text in row.iter(f"{_SVG}text"):
        line = line.ljust(round(float(text.get("x", "0")) / _WIDTH)) + (text.text or "")
    return line.rstrip()


def _uses(screen: Screen, at: int, ids: dict[str, int]) -> Iterator[str]:
    """Yield the rows of the screen number `at`; equal rows of all screens are drawn once."""
    top = at * len(screen.rows) * _HEIGHT
    for number, cells in enumerate(screen.rows):
        if row := "".join(_row(cells)):
            yield f'<use href="#r{ids.setdefault(row, len(ids))}" y="{_px(top + number * _HEIGHT)}"/>'
    if screen.cursor:
        x, y = screen.cursor[0] * _WIDTH, top + screen.cursor[1] * _HEIGHT
        yield f'<rect class="cursor" x="{_px(x)}" y="{_px(y)}" width="{_px(_WIDTH)}" height="{_px(_HEIGHT)}"/>'


def _row(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield the grounds of a row, then its text in runs of one style. No run has two blanks, which XML makes one."""
    column = 0
    text: list[str] = []
    for look, group in groupby(cells, key=lambda cell: cell._replace(char="")):
        run = "".join(cell.char for cell in group)
        if look.ground != "ground":
            yield (
                f'<rect class="on-{look.ground}" x="{_px(column * _WIDTH)}" width="{_px(len(run) * _WIDTH)}" '
                f'height="{_px(_HEIGHT)}"/>'
            )
        text += (_run(part[0], column + part.start(), look) for part in re.finditer(r"\S+( \S+)*", run))
        column += len(run)
    yield from text


def _run(run: str, column: int, look: Cell) -> str:
    """Return the text of a run, as wide as its cells whatever font the reader has."""
    kind = look.colour + (" bold" if look.bold else "")
    return (
        f'<text class="{kind}" x="{_px(column * _WIDTH)}" y="{_px(_BASELINE)}" '
        f'textLength="{_px(len(run) * _WIDTH)}">{escape(run)}</text>'
    )


def _style(screens: Sequence[Screen], height: float) -> str:
    cells = {cell for screen in screens for row in screen.rows for cell in row}
    colours = {cell.colour: _COLOURS[cell.colour] for cell in cells}
    grounds = {f"on-{cell.ground}": _GROUNDS.get(cell.ground, _COLOURS[cell.ground]) for cell in cells}
    named = sorted((colours | grounds | {"on-ground": _COLOURS["ground"]}).items())
    light, dark = ("".join(f".{name}{{fill:{pair[at]}}}" for name, pair in named) for at in (0, 1))
    fonts = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
    return (
        f"text{{font:14px {fonts}}}.bold{{font-weight:700}}.cursor{{fill:#888;opacity:.5}}{light}"
        f"@media (prefers-color-scheme:dark){{{dark}}}{_motion(screens, height)}"
    )


def _amount(screen: Screen) -> int:
    return sum(cell.char != " " for row in screen.rows for cell in row)


def _motion(screens: Sequence[Screen], height: float) -> str:
    """Return the film's rules: each screen stays for its seconds, and the first follows the last.

    A reader without CSS animations shows the screen with the notice.
    """
    if len(screens) == 1:
        return ""
    total, so_far, steps = sum(screen.seconds for screen in screens), 0.0, ""
    for at, screen in enumerate(screens):
        steps += f"{100 * so_far / total:.2f}%{{transform:translateY({_px(-at * height)}px)}}"
        so_far += screen.seconds
    still = max(range(len(screens)), key=lambda at: (screens[at].passing, _amount(screens[at])))
    return (
        f"@keyframes film{{{steps}}}.strip{{transform:translateY({_px(-still * height)}px);"
        f"animation:film {total:.1f}s step-end infinite}}"
        "@media (prefers-reduced-motion:reduce){.strip{animation:none}}"
    )


def _px(number: float) -> str:
    return f"{number or 0:.1f}".removesuffix(".0")


def without_times(text: str, names: Mapping[str, str]) -> str:
    """Return a row as each recording shows it: numbers, versions, users and keys become signs, `names` their words."""
    text = re.sub(r"SHA256:[\w+/]+", "SHA256:KEY", text)
    for name, word in names.items():
        text = re.sub(rf"\b{re.escape(name)}\b", word, text)
    text = re.sub(r"\btmux \d[^;]*", "tmux #", re.sub(r"[^\s(]+@127", "USER@127", text))
    return re.sub(r" {2,}", "  ", re.sub(r"\d+", "#", text))
