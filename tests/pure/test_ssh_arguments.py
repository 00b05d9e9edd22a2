"""Argument lists of ssh, what `ssh -G` prints, and the tokens of ssh_config(5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.ssh import arguments


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (arguments.resolve_argv("unity"), ["ssh", "-G", "--", "unity"]),
        (arguments.resolve_argv("demo", "/d/config"), ["ssh", "-F", "/d/config", "-G", "--", "demo"]),
        (arguments.check_argv("unity"), ["ssh", "-O", "check", "--", "unity"]),
        (arguments.jump_argv(["gate"], "login", 22), ["ssh", "-o", "BatchMode=yes", "-W", "[login]:22", "--", "gate"]),
        (
            arguments.jump_argv(["outer", "me@inner"], "login", 2200, "/d/config"),
            ["ssh", "-F", "/d/config", "-o", "BatchMode=yes", "-J", "outer", "-W", "[login]:2200", "--", "me@inner"],
        ),
        (  # as ssh -G prints an address
            arguments.jump_argv(["me@[10.0.0.1]"], "login", 22),
            ["ssh", "-o", "BatchMode=yes", "-W", "[login]:22", "--", "ssh://me@[10.0.0.1]"],
        ),
    ],
)
def test_argument_lists(argv: list[str], expected: list[str]) -> None:
    assert argv == expected


def test_the_terminal_has_a_tty() -> None:
    argv = arguments.terminal_argv("unity", "LINE", connect_timeout_s=20)
    assert argv[:2] == ["ssh", "-t"]
    assert "ConnectTimeout=20" in argv
    assert "LogLevel=VERBOSE" in argv


def test_a_question_has_pipes_and_no_forwardings() -> None:
    argv = arguments.question_argv("unity", "LINE", connect_timeout_s=20, options=("BatchMode=yes",), config="/c")
    assert argv[:3] == ["ssh", "-F", "/c"]
    assert {"-T", "ClearAllForwardings=yes", "BatchMode=yes"} <= {*argv}


@pytest.mark.parametrize(
    "argv",
    [
        arguments.terminal_argv("unity", "LINE", connect_timeout_s=20),
        arguments.question_argv("unity", "LINE", connect_timeout_s=20),
        arguments.master_argv("unity", "LINE", log="LOG"),
    ],
)
def test_whatever_runs_a_command_overrides_the_users_remote_command(argv: list[str]) -> None:
    assert "RemoteCommand=none" in argv
    assert argv[-3:] == ["--", "unity", "LINE"]


PRINTED = """\
host unity
user abc123
hostname login.site.edu
port 2200
addressfamily any
batchmode no
connecttimeout none
hostkeyalias unity
identityfile ~/.ssh/id_ed25519
identityfile ~/.ssh/id with space
sendenv LANG
sendenv LC_*
proxycommand ssh -W [%h]:%p gate
userknownhostsfile /home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2
ciphers chacha20-poly1305@openssh.com,aes128-ctr
controlpersist no
"""


def test_the_output_of_ssh_g() -> None:
    options = arguments.parse_config(PRINTED)
    assert options["hostname"] == ("login.site.edu",)
    assert options["identityfile"] == ("~/.ssh/id_ed25519", "~/.ssh/id with space")
    assert options["sendenv"] == ("LANG", "LC_*")
    assert options["proxycommand"] == ("ssh -W [%h]:%p gate",)
    assert options["userknownhostsfile"] == ("/home/me/.ssh/known_hosts /home/me/.ssh/known_hosts2",)
    assert "proxyjump" not in options


@given(st.text())
def test_no_output_is_beyond_reading(text: str) -> None:
    options = arguments.parse_config(text)
    assert all(key == key.lower() and values for key, values in options.items())


def test_an_empty_list_is_not_a_missing_one() -> None:
    assert arguments.parse_config("casignaturealgorithms \nport 22\n")["casignaturealgorithms"] == ("",)


GCM, CTR = "aes128-gcm@openssh.com,aes256-gcm@openssh.com", "aes128-ctr,aes192-ctr,aes256-ctr"
CHACHA = "chacha20-poly1305@openssh.com"


@pytest.mark.parametrize(
    ("ciphers", "wanted"),
    [
        (f"{CHACHA},{CTR},{GCM}", f"aes128-gcm@openssh.com,{CHACHA},{CTR},aes256-gcm@openssh.com"),  # up to 9.9
        (f"{CHACHA},{GCM},{CTR}", f"aes128-gcm@openssh.com,{CHACHA},aes256-gcm@openssh.com,{CTR}"),
        (f"{GCM},{CHACHA},{CTR}", None),  # Red Hat's, as its policy chooses
        (
            f"{CHACHA},aes256-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-gcm@openssh.com,aes128-ctr",
            None,
        ),  # ssh-audit's
        (f"{CHACHA},{CTR}", None),  # yours
        (f"{CTR},{GCM}", None),
        (CHACHA, None),
        ("", None),
    ],
)
def test_a_shared_connection_prefers_the_fast_cipher_unless_you_have_chosen(ciphers: str, wanted: str | None) -> None:
    assert arguments.faster(ciphers) == (() if wanted is None else (f"Ciphers={wanted}",))


TOKENS = {"h": "login.site.edu", "p": "2200", "r": "abc", "n": "unity"}


@pytest.mark.parametrize(
    ("template", "expanded"),
    [
        ("nc %h %p", "nc login.site.edu 2200"),
        ("%%h", "%h"),
        ("%%%h", "%login.site.edu"),
        ("[%h]:%p", "[login.site.edu]:2200"),
        ("%C and %", "%C and %"),
        ("", ""),
    ],
)
def test_tokens(template: str, expanded: str) -> None:
    assert arguments.expand_tokens(template, TOKENS) == expanded


def test_what_a_token_expands_to_is_not_expanded_again() -> None:
    assert arguments.expand_tokens("%n", {"n": "%h", "h": "x"}) == "%h"


@given(st.text())
def test_a_doubled_percent_sign_is_one(text: str) -> None:
    assert arguments.expand_tokens(text.replace("%", "%%"), TOKENS) == text


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("login.unity.edu", "unity"), ("login2.cluster.osu.edu", "osu"), ("pitzer.osc.edu", "pitzer"),
        ("login", "cluster"), ("10.0.0.7", "cluster"),
    ],
)  # fmt: skip
def test_a_host_that_was_typed_out_gets_a_short_name(hostname: str, name: str) -> None:
    block = f"Host {name}\n    HostName {hostname}\n    User alice"
    assert arguments.host_block(hostname, "alice", 22) == block
    assert arguments.host_block(hostname, "alice", 2200) == f"{block}\n    Port 2200"


def test_apples_ssh_has_no_limit_for_a_connection() -> None:
    """With one it tries one address after another, and starts no VPN on demand."""
    assert arguments._timeout(20, "darwin") == ()
    assert arguments._timeout(20, "linux") == ("-o", "ConnectTimeout=20")
