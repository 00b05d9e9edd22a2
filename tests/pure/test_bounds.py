"""What a host may cost: an answer has a limit, and one of that length is read in linear time and little memory."""

import subprocess
import sys
from collections.abc import Iterable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import floods
from lnode.cluster.sessions import picture_of
from lnode.commands.ls.table import View, notes, table
from lnode.commands.setup.rc_file import difference, with_block, without_block
from lnode.remote.reply import MAX_BYTES, MAX_ROW, MAX_ROWS, Rows, TooLong, rows_of
from lnode.runs.log_frames import Chunks, Frame, Torn
from lnode.ssh import relay
from lnode.ssh.drain import _text
from lnode.ssh.failures import Cause, cause_of_ssh
from lnode.ssh.host_label import HostLabel
from lnode.ssh.said import told_apart

NONCE = floods.NONCE
BEGUN = f"{NONCE} begun\n".encode()
MOST_MIB = 100


@pytest.mark.parametrize("name", floods.SECTIONS)
def test_the_longest_answer_is_read_in_linear_time_and_little_memory(name: str) -> None:
    """The kernel ends it at its limit of CPU."""
    done = subprocess.run([sys.executable, floods.__file__, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[1]) < MOST_MIB


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (BEGUN + b"x\n" * (MAX_ROWS + 1), "rows"),
        (BEGUN + b"\n" * MAX_BYTES, "rows"),
        (BEGUN + b"x" * (MAX_ROW + 1), "a row"),
        (BEGUN + (b"x" * 1000 + b"\n") * (MAX_BYTES // 1001 + 1), "4 MiB"),
        (b"x" * (MAX_BYTES + 1), "4 MiB"),
    ],
)
def test_what_passes_a_limit_is_no_answer(answer: bytes, why: str) -> None:
    with pytest.raises(TooLong, match=why):
        rows_of(NONCE, answer)


def test_what_stays_within_the_limits_is_whole() -> None:
    row = "x" * (MAX_ROW - 1)
    assert rows_of(NONCE, BEGUN + "\n".join([row] * 7).encode()) == [f"{NONCE} begun", *[row] * 7]
    assert len(rows_of(NONCE, BEGUN + b"x\n" * (MAX_ROWS - 2))) == MAX_ROWS


@pytest.mark.parametrize("printed", [b"x" * 1_000_000, b"\n" * 1_000_000, b"y\n" * 500_000, f"{NONCE}\n".encode()])
def test_a_megabyte_of_rc_files_is_no_part_of_the_answer(printed: bytes) -> None:
    assert rows_of(NONCE, printed + b"\n" + BEGUN + b"all") == [f"{NONCE} begun", "all"]


def test_the_end_of_an_answer_that_has_not_begun_can_be_shown() -> None:
    rows = Rows(NONCE)
    rows.feed(b"x\n" * 500_000 + b"1) shell 2) leave\n\n? ")
    assert rows.next() is None
    assert rows.before[-3:] == ["x", "1) shell 2) leave", "? "]


@given(st.binary(max_size=200), st.lists(st.integers(1, 20)))
@example(b"caf\xc3\xa9\nb\xff", [4])
def test_rows_are_the_same_however_the_bytes_are_split(data: bytes, cuts: Iterable[int]) -> None:
    rows, rest = Rows(NONCE), BEGUN + data
    for size in cuts:
        rows.feed(rest[:size])
        rest = rest[size:]
    rows.feed(rest)
    rows.end()
    whole = (BEGUN + data).decode("utf-8", "backslashreplace").split("\n")
    assert list(iter(rows.next, None)) == whole == rows_of(NONCE, BEGUN + data)


def test_each_reply_has_the_limits_for_itself() -> None:
    rows = Rows(NONCE)
    rows.feed(BEGUN)
    for _ in range(3):
        rows.renew()
        rows.feed(b"x\n" * (MAX_ROWS - 1))


def test_a_frame_without_an_end_is_torn() -> None:
    chunks = Chunks(NONCE)
    with pytest.raises(Torn):
        for _ in range(100):
            list(chunks.feed(f"{NONCE} ".encode() + b"x" * 1000))


def test_a_line_of_a_frame_that_is_too_long_is_torn_though_it_ends() -> None:
    with pytest.raises(Torn):
        list(Chunks(NONCE).feed(f"{NONCE} run {'x' * 5000}\n".encode()))


def test_frames_that_come_byte_by_byte_are_not_read_again_and_again() -> None:
    """A frame's data are held, and only their length is looked at: what was read of the line is not read again."""
    chunks, text = Chunks(NONCE), b"x" * 300_000
    out = f"{NONCE} data 0 {len(text)}\n".encode() + text + f"\n{NONCE} ok\n".encode()
    frames = [frame for byte in out for frame in chunks.feed(bytes([byte]))]
    assert frames == [Frame("data", offset=0, data=text)]


def test_words_of_an_ssh_are_cut_to_lines_that_patterns_can_search() -> None:
    words = _text(bytearray(b"No " * 20_000 + b"\r\nssh: connect to host h port 22: Connection refused\r\n"))
    assert max(map(len, words.split("\n"))) == 1024
    place = HostLabel("unity", "h", 22, "ssh unity")
    assert cause_of_ssh(told_apart(words, ""), place) is Cause.REFUSED


def test_lnodes_block_is_found_in_a_file_full_of_beginnings() -> None:
    first = with_block(b"", "x").splitlines(keepends=True)[0]  # type: ignore[union-attr]
    hostile = first * (200_000 // len(first))
    assert without_block(hostile) == hostile
    shown = difference(b"\n" * 200_000, b"a\n" * 100_000, "rc")
    assert len(shown) == 3 + 300_000


def test_a_table_shows_as_many_rows_as_somebody_reads() -> None:
    picture = picture_of({"host": ["login1"], "panes": [floods.pane(n, n) for n in range(700)], "end": []})
    view = View("unity", (picture,))
    assert len(table([view], all_columns=False, with_host=False)[1]) == 500
    assert "200 more rows are not shown: lnode unity --ls --json" in notes([view])


def test_what_takes_too_long_to_weigh_is_unknown_and_not_none() -> None:
    """Were a session's job left out, --kill would leave it running and say that all has ended."""
    sections = {
        "panes": [floods.pane(n, n + 1) for n in range(2000)],
        "processes": [f"{n + 1} 1 {n + 1} 00:10 sh" for n in range(2000)],
        "jobs": [floods.job(n, n + 1) for n in range(2000)],
    }
    picture = picture_of({"host": ["login1", "1700000000", "22"], **sections, "end": []})
    assert {entry.state.value for entry in picture.entries} == {"unknown"}


def test_what_follows_the_end_of_a_command_is_not_kept() -> None:
    stream = relay._Between(b"\nbegun\n", b"\nleft ", lambda _: None)
    stream.feed(b"\nbegun\nsaid\nleft 0\n")
    for _ in range(50):
        stream.feed(b"x" * 65536)
    stream.close()
    assert stream.rest.startswith(b"\nleft 0\n")
    assert len(stream.rest) < 70_000
