"""Ports that ssh could not forward, in its own words of OpenSSH 7.4 to 10."""

import pytest

from lnode.ssh import forwarding

THERE = "Warning: remote port forwarding failed for listen port 9999\r\n"
HERE = (
    "bind [127.0.0.1]:8888: Address already in use\r\nbind [::1]:8888: Address already in use\r\n"
    "channel_setup_fwd_listener_tcpip: cannot listen to port: 8888\r\n"
)


@pytest.mark.parametrize(
    ("log", "ports"),
    [
        ("", ""),
        (THERE, "port 9999 there"),
        (HERE, "port 8888 of this laptop"),
        (f"{HERE}{THERE}", "port 8888 of this laptop, port 9999 there"),
        ("a banner says: cannot listen to port: 8888\r\n", ""),
    ],
)
def test_the_ports_without_which_ssh_goes_on(log: str, ports: str) -> None:
    said = forwarding.missing(log)
    assert said == (f"not forwarded, because it is taken or not allowed: {ports}" if ports else "")
    assert not forwarding.has_failed(log)


def test_a_line_of_tmux_has_an_end() -> None:
    many = "".join(THERE.replace("9999", str(number)) for number in range(1000, 2000))
    assert len(forwarding.missing(many)) < 120
