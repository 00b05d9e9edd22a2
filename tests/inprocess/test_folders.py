"""A laptop's identity: kept in one private file, agreed on by all lnodes, and never an error."""

import os
import re
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.laptop import folders as laptop_folders
from lnode.laptop.folders import display_name, identity, is_first, private_folder, replace_privately, state_folder

ID = re.compile(r"[0-9a-f]{16}")
KEPT = "0123456789abcdef"

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other platforms have folders of their own")


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the id is kept; its folder is not there yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if sys.platform == "linux":
        return tmp_path / "state" / "lnode" / "laptop"
    from platformdirs import user_state_path

    return user_state_path("lnode") / "laptop"


def test_the_id_stays(kept: Path) -> None:
    first = identity()
    assert ID.fullmatch(first[0])
    assert identity() == first
    assert kept.read_text() == f"{first[0]}\n"
    assert os.listdir(kept.parent) == ["laptop"]
    kept.unlink()
    assert identity()[0] != first[0]


def test_an_id_that_is_kept_is_only_read(kept: Path) -> None:
    identity()
    os.utime(kept.parent, (1, 1))
    identity()
    assert kept.parent.stat().st_mtime == 1


def test_the_file_is_private(kept: Path) -> None:
    before = os.umask(0)
    try:
        identity()
    finally:
        os.umask(before)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700


@linux_only
def test_without_xdg_it_is_in_the_home(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    mine = identity()[0]
    assert (Path(os.environ["HOME"]) / ".local/state/lnode/laptop").read_text() == f"{mine}\n"


def test_an_id_that_is_there_is_read(kept: Path) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_text(f"{KEPT}\n")
    assert identity()[0] == KEPT


@pytest.mark.parametrize(
    "content",
    [b"", KEPT.encode(), b"0123456789ABCDEF\n", f"{KEPT}0\n".encode(), f"{KEPT}\n\n".encode(), b"\xff" * 1000],
)
def test_what_is_malformed_is_left_alone_and_not_used(kept: Path, content: bytes) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_bytes(content)
    first, second = identity()[0], identity()[0]
    assert ID.fullmatch(first)
    assert first != second
    assert kept.read_bytes() == content


def test_what_cannot_be_read(kept: Path) -> None:
    kept.mkdir(parents=True)
    assert ID.fullmatch(identity()[0])


def test_where_nothing_can_be_kept(kept: Path) -> None:
    in_the_way = kept.parent.parent
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file where the folder should be")
    assert ID.fullmatch(identity()[0])


def test_a_full_disk_leaves_nothing_behind(kept: Path) -> None:
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
        "from lnode.laptop.folders import identity; print(identity()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], stdout=subprocess.PIPE, text=True, timeout=120, check=True
    )
    assert ID.fullmatch(done.stdout.strip())
    assert os.listdir(kept.parent) == []


def test_lnodes_that_start_at_once_agree(kept: Path) -> None:
    crowd = 8
    together = Barrier(crowd)

    def one(_: int) -> str:
        together.wait(30)
        return identity()[0]

    with ThreadPoolExecutor(crowd) as pool:
        for _ in range(50):
            ids = set(pool.map(one, range(crowd)))
            assert ids == {kept.read_text().strip()}
            assert os.listdir(kept.parent) == ["laptop"]
            kept.unlink()


@pytest.mark.parametrize(
    ("hostname", "shown"),
    [
        ("carbon", "carbon"),
        ("Annas-MacBook_2.local", "Annas-MacBook_2.local"),
        ("Anna's Laptop\x1b[31m", "AnnasLaptop31m"),
        ("x" * 64, "x" * 40),
        ("日本", "laptop"),
        ("", "laptop"),
    ],
)
def test_the_name_for_people(hostname: str, shown: str) -> None:
    assert display_name(hostname) == shown


@given(st.text())
def test_a_name_may_be_sent_anywhere(hostname: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,40}", display_name(hostname))


def test_the_name_is_this_computers(kept: Path) -> None:
    assert identity()[1] == display_name(socket.gethostname())


@linux_only
def test_nothing_is_imported_for_it(kept: Path) -> None:
    code = (
        "import contextlib, os, re, sys; import lnode; before = set(sys.modules);"
        "from lnode.laptop.folders import identity; identity(); print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["lnode.laptop", "lnode.laptop.folders"]


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def test_the_private_folder_is_made_once(runtime: Path) -> None:
    assert private_folder() == private_folder() == str(runtime / "lnode")
    assert (runtime / "lnode").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("trap", ["file", "link", "open to all", "runtime open to all", "no runtime folder"])
def test_what_is_not_this_users_alone_is_left_as_it_is(
    runtime: Path, trap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = runtime / "lnode"
    if trap == "file":
        folder.write_text("mine")
    elif trap == "link":
        (runtime / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(runtime / "elsewhere")
    elif trap == "open to all":
        folder.mkdir()
        folder.chmod(0o755)
    elif trap == "runtime open to all":
        runtime.chmod(0o755)
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    before = folder.lstat() if trap in ("file", "link", "open to all") else None
    assert private_folder() == f"/tmp/lnode-{os.getuid()}"
    if before is None:
        assert not folder.exists()
    else:
        assert folder.lstat() == before


def test_what_is_told_once(kept: Path) -> None:
    assert [is_first("tmux"), is_first("tmux"), is_first("vscode")] == [True, False, True]
    assert sorted(path.name for path in kept.parent.iterdir()) == ["told-tmux", "told-vscode"]


def test_what_cannot_be_remembered_is_not_told_for_ever(kept: Path) -> None:
    kept.parent.parent.write_text("")  # where the folder would be
    assert not is_first("tmux")


@pytest.mark.parametrize("umask", [0o022, 0o002, 0])
def test_what_lnode_writes_is_for_you_alone_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "lnode"
    before = os.umask(umask)
    try:
        folder.mkdir()  # as an older lnode may have left it
        laptop_folders.replace_privately(f"{folder}/pictures/x.json", "")
        laptop_folders.replace_privately(f"{folder}/keychain", "")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "pictures", folder / "keychain")] == [
        0o700, 0o700, 0o600,
    ]  # fmt: skip


_BUG = """
from lnode.cli.exit import explained
def work():
    raise ValueError("\\x1b]52;c;aGk=\\a \\ud800")
raise SystemExit(explained(work))
"""


def test_the_report_of_a_bug_is_for_you_alone_and_controls_no_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "lnode"
    folder.mkdir(mode=0o755)
    (folder / "bug-ValueError.txt").write_text("an older one")
    (folder / "bug-ValueError.txt").chmod(0o644)
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", _BUG], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done
    (report,) = folder.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, report)] == [0o700, 0o600]
    assert r"ValueError: \x1b]52;c;aGk=\x07 \ud800" in report.read_text()
    assert "\x1b" not in report.read_text()


@pytest.mark.parametrize(
    ("found", "left"),
    [
        ("/bin:/usr/bin", "/bin:/usr/bin"),
        (":/bin", "/bin"),
        ("/bin:", "/bin"),
        ("/bin::/usr/bin:.:node_modules/.bin:../x", "/bin:/usr/bin"),
        (".", os.defpath),
        ("", os.defpath),
    ],
)
def test_the_current_folder_is_on_no_path(monkeypatch: pytest.MonkeyPatch, found: str, left: str) -> None:
    monkeypatch.setenv("PATH", found)
    monkeypatch.setenv("PYTHONPATH", found)
    laptop_folders.leave_out_current_folder()
    assert os.environ["PATH"] == left
    assert os.environ["PYTHONPATH"] == ("" if left is os.defpath else left)


@pytest.mark.parametrize("umask", [0, 0o002, 0o022])
def test_the_state_folder_is_for_this_user_alone(kept: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        replace_privately(f"{state_folder()}/seen/unity.x", "")
        folders = [kept.parent, kept.parent / "seen"]
        assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]
        for folder in folders:
            folder.chmod(0o777)
        replace_privately(f"{state_folder()}/seen/unity.x", "")
        assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]
    finally:
        os.umask(before)
    assert kept.parent.parent.stat().st_mode & 0o777 == 0o777 & ~umask  # other programs' too
