"""The recordings in README and docs: each is what its scene shows today, and a small image without scripts."""

import re

import pytest

import drawn
import plain_words
import scenes
from lnode.demo import state

ALL = pytest.mark.parametrize("name", sorted(scenes.SCENES))
MOVES = {name: scene.moves for name, scene in scenes.SCENES.items()} | {scenes.NEW_LAPTOP: True}
PASSED_BY = "lnode: reconnecting to demo"  # too fast, perhaps, to be seen twice


@ALL
def test_the_scene_shows_it_again(name: str) -> None:
    """But for numbers and names of computers; a row that was still being typed or drawn is the begin of another one."""
    if state.real_tmux() is None:
        pytest.skip("no tmux on this computer")
    recorded, host = scenes.read(name)
    film = scenes.played(scenes.SCENES[name], recorded, host)
    seen = {*film.seen, *(film.plain(row) for screen in recorded if not screen.passing for row in screen.rows)}
    passed = {film.plain(row) for screen in recorded if screen.passing for row in screen.rows[:-1]}
    rows = [row for row in passed if not row.startswith(PASSED_BY)]
    assert [row for row in rows if not any(other.startswith(row) for other in seen)] == []


@pytest.mark.parametrize("name", sorted(MOVES))
def test_it_is_a_small_image_for_light_and_dark(name: str) -> None:
    text = (scenes.HERE / f"{name}.svg").read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert "prefers-color-scheme:dark" in text
    assert ("animation:film" in text) == MOVES[name] == ("prefers-reduced-motion" in text)
    assert re.findall(r"<(script|foreignObject|image|a)\b|\bon\w+=|href=\"[^#]|url\(|@import", text) == []


def test_each_recording_stands_in_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in plain_words.PAGES)
    named = re.findall(r"!\[[^]]+\]\((?:docs/)?recordings/([\w-]+)\.svg\)", pages)
    assert {*named} == {*MOVES} == {path.stem for path in scenes.HERE.glob("*.svg")}


def test_an_image_reads_as_it_was_drawn() -> None:
    row = [drawn.Cell(char, "text", "ground") for char in "a  <b & c "]
    notice = [drawn.Cell(char, "black", "green", bold=True) for char in " notice   "]
    blank = [drawn.Cell(" ", "text", "ground")] * 10
    image = drawn.svg([drawn.Screen([row, blank], (0, 1), 1.0), drawn.Screen([notice, row], None, 2.0, True)], "<t>")
    assert drawn.read(image) == [
        drawn.Shown(("a  <b & c", ""), passing=False),
        drawn.Shown((" notice", "a  <b & c"), passing=True),
    ]
    assert "@keyframes film{0.00%{transform:translateY(0px)}33.33%{transform:translateY(-36px)}}" in image
