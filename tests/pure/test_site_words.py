"""The words of a site, told apart from all that OpenSSH and lnode's own askpass say beside them."""

import pytest

from lnode.ssh.site_words import in_one_line, site_words

OWN = [
    "debug1: kex.c:kex_input_newkeys():518 (pid=4711): SSH2_MSG_NEWKEYS received",
    'Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".',
    "Transferred: sent 3792, received 3284 bytes, in 0.3 seconds",
    "Bytes per second: sent 12.3, received 10.1",
    "Warning: Permanently added 'login' (ED25519) to the list of known hosts.",
    "Shared connection to 10.0.0.1 closed.",
    "mux_client_request_session: read from master failed: Broken pipe",
    "** WARNING: connection is not using a post-quantum key exchange algorithm.",
    "lnode: the keychain answers 4711: alice@login's password",
    "Permission denied (nobody to ask)",
    "=" * 60,
]


@pytest.mark.parametrize("row", OWN)
def test_the_words_of_ssh_are_not_those_of_the_site(row: str) -> None:
    assert site_words(f"{row}\r\nThe site is closed until Monday.\r\n") == ["The site is closed until Monday."]


@pytest.mark.parametrize(
    "row",
    [
        "Confirm user presence for key ED25519-SK SHA256:abc",
        "Open https://site.edu/device and type ABCD-EFGH",
        "WARNING: Your password has expired.",
        "Permission denied, please try again.",
        "Authenticate with your phone",
    ],
)
def test_words_for_you_are_kept(row: str) -> None:
    assert site_words(f"{OWN[0]}\r\n  {row}\r\n\r\n") == [row]


def test_a_notice_has_one_line() -> None:
    assert in_one_line("*****\r\n* Closed   today *\r\n*****\r\n  Sorry\r\n") == "* Closed today * Sorry"
    assert in_one_line("") == ""
