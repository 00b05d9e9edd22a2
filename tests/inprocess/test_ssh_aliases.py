"""The aliases of an ssh configuration, written in the ways in which people write one."""

from pathlib import Path

import pytest

from lnode.laptop.ssh_aliases import ssh_aliases


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "conf.d").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Host a b\n", ["a", "b"]),
        ("\thost=a\nHOST = b\n", ["a", "b"]),
        ('Host "a" b # not c\n#Host d\n', ["a", "b"]),
        ("Host a\r\n  User x\r\nHost b\r\n", ["a", "b"]),
        ("Host *\nHost *.edu !a a?\nMatch host m\n  User x\n", []),
        ("HostName a\nHostKeyAlias b\nHost\n", []),
        ("Host a\nHost a b\n", ["a", "b"]),
        ("Host \udce4a\n", ["\ufffda"]),
        ("Include missing conf.d\nHost a\n", ["a"]),
    ],
)
def test_the_names_on_host_lines(home: Path, text: str, names: list[str]) -> None:
    (home / ".ssh" / "config").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert ssh_aliases() == names


def test_included_files_are_read_where_they_are_included(home: Path) -> None:
    """Globs, a home, an absolute path, quotes, a file in a file; a circle ends."""
    for name, text in {
        "conf.d/1.conf": "Host one\n", "conf.d/2.conf": "Include nested\nHost two\n",
        "nested": "Host nested\nInclude config\n",
        "work": "Host work\n", "with space": "Host spaced\n",
        "config": f'Include conf.d/*.conf ~/.ssh/work\nInclude "{home}/.ssh/with space"\nHost last\n',
    }.items():  # fmt: skip
        (home / ".ssh" / name).write_text(text)
    assert {*ssh_aliases()} == {"one", "nested", "two", "work", "spaced", "last"}
    assert ssh_aliases()[:2] == ["one", "nested"]


def test_without_a_configuration_there_are_none(home: Path) -> None:
    assert ssh_aliases() == []
