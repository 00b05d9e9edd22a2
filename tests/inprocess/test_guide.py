"""`lnode --guide PAGE` prints each page that a hint names, from the sources and from the wheel."""

import re

import pytest

import plain_words
from lnode.commands import guide
from lnode.errors import ExitCode, LnodeError, Page
from lnode.laptop import screen
from nearby import nearby


@pytest.mark.parametrize("page", Page)
def test_each_page_of_a_hint_is_printed(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    assert guide.guide(page=page) is ExitCode.DONE
    name, _, section = page.partition("/")
    heading, *rest = capsys.readouterr().out.splitlines()
    assert heading.startswith("## " if section else "# ")
    assert len(rest) > 3
    assert f"\n{heading}\n" in "\n" + (plain_words.ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    assert [line for line in rest if "<!--" in line or line.startswith("![") or (section and line[:3] == "## ")] == []


@pytest.mark.parametrize("page", Page)
def test_a_message_names_each_page(page: Page) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in plain_words.SOURCES)
    assert len(re.findall(rf"\bPage\.{page.name}\b", text)) > 0


def test_the_pages_are_those_of_the_docs() -> None:
    assert guide.pages() == [path.stem for path in plain_words.PAGES[1:]]


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (LnodeError(ExitCode.FAILED, "no", "type this"), "type this"),
        (LnodeError(ExitCode.LOGIN_REFUSED, "no", "type this"), "type this; more: lnode --guide sign-in"),
        (LnodeError(ExitCode.FAILED, "no", "type this", page=Page.PORTS), "type this; more: lnode --guide ports"),
    ],
)
def test_a_hint_ends_with_its_page(error: LnodeError, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    screen.show_error(error)
    assert capsys.readouterr().err == f"lnode: no\nhint:  {hint}\n"


@pytest.mark.parametrize(
    ("page", "said", "hint"),
    [
        ("nope", "there is no page 'nope'", "pages are agents field "),
        ("../README", "there is no page '..'", "pages are agents field "),
        ("field/nope", "the page field has no section 'nope'", "as in: field/the-checks-of-doctor "),
        ("index/nope", "the page index has no section 'nope'", "all of it: lnode --guide index"),
    ],
)
def test_a_page_that_is_not_there(page: str, said: str, hint: str) -> None:
    with pytest.raises(LnodeError) as caught:
        guide.guide(page=page)
    assert (caught.value.code, caught.value.message) == (ExitCode.USAGE, said)
    assert caught.value.hint.startswith(hint)


def test_on_a_terminal_a_page_is_set_for_reading() -> None:
    with nearby() as near, near.window("--guide", "sign-in/host-keys") as window:
        window.find(r"^ *Host keys$")
        assert window.exit_status() == 0
        assert "## " not in window.text()
        window.find(r"^ \u2022 Each login node")
