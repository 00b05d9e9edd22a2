"""Ports as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.node.forwards import Forward, parse


@pytest.mark.parametrize(
    ("spec", "forward"),
    [
        ("8888", Forward("localhost", 8888, "localhost", 8888)),
        ("9999:8888", Forward("localhost", 9999, "localhost", 8888)),
        ("9999:db:5432", Forward("localhost", 9999, "db", 5432)),
        ("0.0.0.0:9999:localhost:80", Forward("0.0.0.0", 9999, "localhost", 80)),
        ("*:9999:[::1]:80", Forward("*", 9999, "[::1]", 80)),
        *((spec, None) for spec in ("", "0", "65536", "8888:", ":8888", "a", "8888:0", "1:2:3:4:5")),
        *((spec, None) for spec in ("1:-oX:2", " 1", "1\n", "1: :2")),
    ],
)  # fmt: skip
def test_what_ssh_takes_or_shorter(spec: str, forward: Forward | None) -> None:
    assert parse(spec) == forward


PORTS = st.integers(1, 65535)


@given(PORTS, PORTS)
def test_what_is_read_is_what_is_said(port: int, to: int) -> None:
    forward = parse(f"{port}:{to}")
    assert forward is not None
    assert parse(forward.spec) == forward
    assert (forward.here, forward.there) == (f"localhost:{port}", f"port {to}")
