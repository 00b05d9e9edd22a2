"""The frames of a log: the same ones however the bytes are split, and none that is not whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.runs.log_frames import MAX_LENGTH, Chunks, Frame, Torn

NONCE = "lnode-0123456789abcdef"
pieces = st.lists(st.binary(min_size=1, max_size=300), max_size=6)
# Bytes that look like frames are in logs, too.
likely = st.lists(
    st.sampled_from([b"\n", f"\n{NONCE} ok\n".encode(), f"{NONCE} over x\n".encode(), b"\0\xff", b"text"]), max_size=8
).map(b"".join)


def framed(parts: list[bytes]) -> tuple[bytes, list[Frame]]:
    """What logs.sh prints for a log of these parts, and the frames that it means."""
    out, frames, offset = b"motd\n\nlnode-x beat\n\n" + f"{NONCE} run a b\n".encode(), [Frame("run", "a b")], 0
    for part in filter(None, parts):
        out += f"\n{NONCE} data {offset} {len(part)}\n".encode() + part + f"\n{NONCE} ok\n".encode()
        frames.append(Frame("data", offset=offset, data=part))
        offset += len(part)
    return out + f"\n{NONCE} over a c\n".encode(), [*frames, Frame("over", "a c")]


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=300), likely), max_size=6), st.lists(st.integers(1, 400)))
def test_frames_are_the_same_however_the_bytes_are_split(parts: list[bytes], cuts: list[int]) -> None:
    out, frames = framed(parts)
    chunks, seen = Chunks(NONCE), []
    for size in [*cuts, len(out)]:
        seen += chunks.feed(out[:size])
        out = out[size:]
    assert [*seen, *chunks.feed(out)] == frames


@given(pieces, st.data())
def test_a_stream_that_is_cut_anywhere_gives_only_whole_frames(parts: list[bytes], data: st.DataObject) -> None:
    out, frames = framed(parts)
    seen = list(Chunks(NONCE).feed(out[: data.draw(st.integers(0, len(out)))]))
    assert seen == frames[: len(seen)]


def test_a_log_that_shrank_under_its_reader_is_torn() -> None:
    out = f"\n{NONCE} data 0 10\n".encode() + b"five5" + f"\n{NONCE} ok\n\n{NONCE} beat\n".encode()
    with pytest.raises(Torn):
        list(Chunks(NONCE).feed(out))


@pytest.mark.parametrize("words", ["", "0", "0 0", "-1 5", "0 x", f"0 {MAX_LENGTH + 1}", "0 5 5", "9" * 30 + " 5"])
def test_a_frame_that_cannot_be_is_torn(words: str) -> None:
    with pytest.raises(Torn):
        list(Chunks(NONCE).feed(f"{NONCE} data {words}\n".encode()))


def test_noise_without_an_end_is_not_kept() -> None:
    chunks = Chunks(NONCE)
    for _ in range(100):
        assert list(chunks.feed(b"x" * 10_000)) == []
    assert len(chunks._held) < 20_000
    assert list(chunks.feed(f"\n{NONCE} beat\n".encode())) == [Frame("beat")]
