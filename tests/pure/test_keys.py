"""A person's keys among what a terminal says by itself, however the reads split it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.attach.keys import PASTED, Keys

REPORTS = [
    b"\x1b[<35;10;5M", b"\x1b[<0;300;200m", b"\x1b[M !!", b"\x1b[M\xa0\xff\xe0", b"\x1b[32;10;5M", b"\x1b[I", b"\x1b[O",
    b"\x1b[24;80R", b"\x1b[0n", b"\x1b[?62;c", b"\x1b[?1;2c", b"\x1b[>41;354;0c", b"\x1b[?2004;1$y", b"\x1b[8;30;100t",
    b"\x1b]11;rgb:0000/1111/dddd\x07", b"\x1b]52;c;ZGRkcnJyCg==\x1b\\", b"\x1bP>|XTerm(390)\x1b\\", b"\x1bP1$r0m\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
]  # fmt: skip
PRESSED = [
    *(bytes([code]) for code in range(0x80) if code != 0x1B), "é".encode(), "漢".encode(), "🙂".encode(), b"\x1bd",
    "\x1bé".encode(), b"\x1b[A", b"\x1bOA", b"\x1b[1;5D", b"\x1b[3~", b"\x1b[15;2~", b"\x1b[Z", b"\x1b[100;5u",
    b"\x1b[27;5;100~",
]  # fmt: skip


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_no_key(report: bytes) -> None:
    keys = Keys()
    assert (keys.feed(b"a" + report + b"b"), keys.begun) == ([b"a", b"b"], b"")


@pytest.mark.parametrize("key", PRESSED)
def test_a_key_is_one(key: bytes) -> None:
    keys = Keys()
    assert (keys.feed(key), keys.begun) == ([key], b"")


PIECES = st.lists(st.sampled_from([(piece, False) for piece in REPORTS] + [(piece, True) for piece in PRESSED]))


@given(PIECES, st.lists(st.integers(1, 7), min_size=1))
def test_reads_may_split_anywhere(pieces: list[tuple[bytes, bool]], sizes: list[int]) -> None:
    data, keys, found = b"".join(piece for piece, _ in pieces), Keys(), list[bytes]()
    while data:
        for size in sizes:
            found += keys.feed(data[:size])
            data = data[size:]
    assert found == [piece for piece, is_key in pieces if is_key]
    assert (keys.begun, keys.settle()) == (b"", [])


@given(st.lists(st.binary(max_size=9)))
def test_anything_may_come(chunks: list[bytes]) -> None:
    keys = Keys()
    pressed = sum(len(keys.feed(chunk)) for chunk in chunks)
    assert pressed <= sum(map(len, chunks))
    keys.settle()
    assert keys.begun == b""


def test_what_was_pasted_is_not_pressed() -> None:
    keys = Keys()
    assert keys.feed(b"r\x1b[200~d\r") == [b"r", PASTED, PASTED]
    assert keys.feed("dé\x1b[20".encode()) == [PASTED, PASTED]
    assert keys.feed(b"1~d") == [b"d"]


@pytest.mark.parametrize(
    ("begun", "key"),
    [
        (b"\x1b", [b"\x1b"]),
        (b"\x1b[", [b"\x1b["]),
        (b"\x1bO", [b"\x1bO"]),
        (b"\x1b]", [b"\x1b]"]),
        (b"\x1b[<35;10", []),
        (b"\x1b]11;rgb:dd", []),
        (b"\xe6\xbc", []),
    ],
)
def test_what_is_never_completed(begun: bytes, key: list[bytes]) -> None:
    keys = Keys()
    assert keys.feed(begun) == []
    assert keys.settle() == key
    assert keys.feed(b"d") == [b"d"]


def test_a_report_without_end_takes_no_room() -> None:
    keys = Keys()
    for _ in range(100):
        assert keys.feed(b"\x1b]52;c;" + b"d" * 4096 if not keys.begun else b"d" * 4096) == []
        assert len(keys.begun) <= 1 << 17
    assert keys.feed(b"\x07r") == [b"r"]


@pytest.mark.parametrize("at", range(1, 6))
def test_the_end_of_a_paste_may_come_late(at: int) -> None:
    keys, end = Keys(), b"\x1b[201~"
    assert keys.feed(b"\x1b[200~ab" + end[:at]) == [PASTED, PASTED]
    assert keys.settle() == []
    assert keys.feed(end[at:] + b"q") == [b"q"]


def test_ctrl_c_ends_a_paste_that_has_lost_its_end() -> None:
    keys = Keys()
    assert keys.feed(b"\x1b[200~ab\x03q") == [PASTED, PASTED, b"\x03", b"q"]
