"""OpenSSH's own words, 7.4 to 10, and the verdict on each; every verdict's sentence, hint and exit code."""

import pytest

from lnode.errors import ExitCode
from lnode.ssh.failures import (
    Cause,
    came_to_login,
    cause_of_silent,
    cause_of_ssh,
    cause_of_way,
    explain,
    fell_silent,
    has_begun,
    is_hung_up,
    is_let_go,
    peer,
    signed_in,
    takes_person,
    wants_person,
)
from lnode.ssh.host_label import HostLabel
from lnode.ssh.said import Said, told_apart
from lnode.ssh.verdict import cause_of_no_shell

DIRECT = PLACE = HostLabel("unity", "login.site.edu", 2200, "ssh unity")
BEHIND = HostLabel("unity", "login.site.edu", 2200, "ssh unity", proxied=True)
AT = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r\n"
CLOSED_BEHIND_PROXY = (
    "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n"
)

AGREED = "debug1: kex.c:kex_input_newkeys():518 (pid=4711): SSH2_MSG_NEWKEYS received\r\n"
IN = f'{AGREED}Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".\r\n'
SAID = [
    # sshconnect.c: resolving and connecting
    ("ssh: Could not resolve hostname unity: Name or service not known", Cause.UNRESOLVED),
    ("ssh: Could not resolve hostname unity: Temporary failure in name resolution", Cause.UNRESOLVED),
    ("ssh: Could not resolve hostname unity: nodename nor servname provided, or not known", Cause.UNRESOLVED),
    ("ssh: connect to host login.site.edu port 22: Connection refused", Cause.REFUSED),
    ("ssh: connect to host login.site.edu port 22: No route to host", Cause.NO_ROUTE),
    ("ssh: connect to host login.site.edu port 22: Network is unreachable", Cause.NO_ROUTE),
    ("ssh: connect to host login.site.edu port 22: Host is down", Cause.NO_ROUTE),
    ("ssh: connect to host login.site.edu port 22: Connection timed out", Cause.TIMED_OUT),
    ("ssh: connect to host login.site.edu port 22: Operation timed out", Cause.TIMED_OUT),
    # kex.c, packet.c: connected, no banner yet, no login yet
    ("Connection timed out during banner exchange", Cause.TIMED_OUT),
    ("Connection timed out during banner exchange\r\nConnection to 10.0.0.1 port 22 timed out", Cause.TIMED_OUT),
    ("Connection to 10.0.0.1 port 22 timed out", Cause.TIMED_OUT),
    ("ssh_exchange_identification: Connection closed by remote host", Cause.CLOSED_EARLY),
    ("ssh_exchange_identification: read: Connection reset by peer", Cause.CLOSED_EARLY),
    ("kex_exchange_identification: read: Connection reset by peer", Cause.CLOSED_EARLY),
    ("kex_exchange_identification: Connection closed by remote host\r\n"
     "Connection closed by 10.0.0.1 port 22", Cause.CLOSED_EARLY),
    ("kex_exchange_identification: banner line contains invalid characters", Cause.CLOSED_EARLY),
    ("banner exchange: Connection to 10.0.0.1 port 443: invalid format", Cause.CLOSED_EARLY),
    ("Connection closed by 10.0.0.1 port 22", Cause.CLOSED_EARLY),
    ("Connection closed by UNKNOWN port 65535", Cause.CLOSED_EARLY),
    ("Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss",
     Cause.NO_COMMON_ALGORITHM),
    ("Unable to negotiate with 10.0.0.1 port 22: no matching key exchange method found. "
     "Their offer: diffie-hellman-group1-sha1", Cause.NO_COMMON_ALGORITHM),
    # kexgen.c, ssherr.c: the crypto policies of Fedora and RHEL (RequiredRSASize, no SHA-1), and old groups
    ("Bad server host key: Invalid key length", Cause.NO_COMMON_ALGORITHM),
    ("ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: error in libcrypto", Cause.NO_COMMON_ALGORITHM),
    ("ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: DH GEX group out of range", Cause.NO_COMMON_ALGORITHM),
    (f"{AGREED}ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: error in libcrypto", Cause.CLOSED_EARLY),
    # sshconnect2.c: the login
    ("me@login.site.edu: Permission denied (publickey,gssapi-with-mic,password).", Cause.LOGIN_REFUSED),
    ("Permission denied (publickey).", Cause.LOGIN_REFUSED),
    ("Permission denied, please try again.\r\nme@login: Permission denied (password).", Cause.LOGIN_REFUSED),
    ("Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\r\n"
     "Disconnected from 10.0.0.1 port 22", Cause.LOGIN_REFUSED),
    (f"{AGREED}Connection closed by 10.0.0.1 port 22", Cause.SENT_AWAY),
    # ssh.c, clientloop.c: forwards, after the login
    (f"{IN}Error: remote port forwarding failed for listen port 9999", Cause.NO_FORWARD),
    (f"{IN}Error: remote port forwarding failed for listen path /tmp/x", Cause.NO_FORWARD),
    (f"{IN}bind [127.0.0.1]:8888: Address already in use\r\n"
     "channel_setup_fwd_listener_tcpip: cannot listen to port: 8888\r\n"
     "Could not request local forwarding.", Cause.NO_FORWARD),
    (f"{IN}Warning: remote port forwarding failed for listen port 9999", Cause.LOST),  # ssh goes on
    # sshconnect.c: host keys
    ("Host key verification failed.", Cause.HOST_KEY_UNKNOWN),
    ("No ED25519 host key is known for [login.site.edu]:2200 and you have requested strict checking.\r\n"
     "Host key verification failed.", Cause.HOST_KEY_UNKNOWN),
    (AT + "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n" + AT
     + "IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\nHost key verification failed.",
     Cause.HOST_KEY_CHANGED),
    (AT + "@       WARNING: REVOKED HOST KEY DETECTED!               @\r\n" + AT + "Host key verification failed.",
     Cause.HOST_KEY_CHANGED),
    # readconf.c
    ("/home/me/.ssh/config: line 3: Bad configuration option: hostnme\r\n"
     "/home/me/.ssh/config: terminating, 1 bad configuration options", Cause.BAD_CONFIG),
    ("Bad owner or permissions on /home/me/.ssh/config", Cause.BAD_CONFIG),
    ("/home/me/.ssh/config line 1: Bad port 'many'.", Cause.BAD_CONFIG),  # before 9.0 nothing more
    # clientloop.c, packet.c: after the login
    ("client_loop: send disconnect: Broken pipe", Cause.LOST),
    ("client_loop: send disconnect: Connection reset by peer", Cause.LOST),
    ("Read from remote host login.site.edu: Connection reset by peer", Cause.LOST),
    ("Connection to login.site.edu closed by remote host.", Cause.LOST),
    ("ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: message authentication code incorrect", Cause.LOST),
    ("Timeout, server login.site.edu not responding.", Cause.TIMED_OUT),
    # nothing known
    ("", Cause.LOST),
    ("ssh: something that no OpenSSH has said yet", Cause.LOST),
]  # fmt: skip


@pytest.mark.parametrize(("words", "cause"), SAID)
def test_the_cause_of_what_ssh_said(words: str, cause: Cause) -> None:
    assert cause_of_ssh(told_apart(words, ""), PLACE) is cause
    assert cause_of_ssh(told_apart(f"debug1: whatever came before\r\n{words}\r\n", ""), PLACE) is cause


# What the ssh of a jump host says; ssh itself says only that the way broke.
ON_THE_WAY = [
    ("ssh: connect to host gate port 2200: Connection refused\r\n", Cause.REFUSED),
    ("ssh: Could not resolve hostname gate: Name or service not known\r\n", Cause.UNRESOLVED),
    ("me@gate: Permission denied (publickey).\r\n", Cause.LOGIN_REFUSED),
    ("Received disconnect from 10.0.0.1 port 22:2: go away\r\n", Cause.LOGIN_REFUSED),
    ("Host key verification failed.\r\n", Cause.HOST_KEY_UNKNOWN),
    (AT + "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\n", Cause.HOST_KEY_UNKNOWN),
    ("channel 0: open failed: connect failed: No route to host\r\nstdio forwarding failed\r\n", Cause.NO_ROUTE),
    ("ssh: connect to host gate port 22: Connection refused\r\n" + CLOSED_BEHIND_PROXY, Cause.REFUSED),  # two of them
    ("Connection refused\r\nConnection reset by 10.0.0.1 port 22\r\n", Cause.CLOSED_EARLY),
    ("Connection refused\r\nme@gate: Permission denied (publickey).\r\n", Cause.LOGIN_REFUSED),
    ('Authenticated to login.site.edu (via proxy) using "publickey".\r\n', Cause.CLOSED_EARLY),
    ("", Cause.CLOSED_EARLY),
]


@pytest.mark.parametrize(("words", "cause"), ON_THE_WAY)
def test_the_cause_of_what_a_jump_host_says(words: str, cause: Cause) -> None:
    assert cause_of_ssh(told_apart(CLOSED_BEHIND_PROXY, words), BEHIND) is cause
    assert cause_of_way(words) in (cause, Cause.LOST)


MARK = AGREED
REFUSED = "me@login.site.edu: Permission denied (publickey).\r\n"
FORGED = [
    'Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".',
    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
    "Connection refused",
    "ssh: connect to host login.site.edu port 22: Connection timed out",
    "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.",
    "/home/me/.ssh/config: line 3: Bad configuration option: hostnme",
    "Connection to login.site.edu closed.",
    "Shared connection to login.site.edu closed.",
    "mux_client_request_session: read from master failed: Broken pipe",
    "Host key verification failed.",
]
# Where a host can put a line of its own: its banner, and what ssh's log quotes.
PUT = [
    (f"{MARK}debug1: sshconnect2.c:input_userauth_pk_ok():7 (pid=7): server sent unknown pkalg x\r\n{{}}\r\n", REFUSED),
    (f"{MARK}{REFUSED}", "{}\r\n"),
    (f"{MARK}me@login.site.edu: Permission denied (publickey\r\n{{}}\r\n).\r\n", ""),
    (f"{MARK}Received disconnect from 10.0.0.1 port 22:2: bye\r\n{{}}\r\nDisconnected from 10.0.0.1 port 22\r\n", ""),
    (f"{MARK}Connection closed by 10.0.0.1 port 22\r\n", "{}\r\n"),
]


@pytest.mark.parametrize("line", FORGED)
@pytest.mark.parametrize(("log", "stderr"), PUT)
def test_a_host_cannot_speak_as_ssh(log: str, stderr: str, line: str) -> None:
    said = told_apart(log.replace("{}", line), stderr.replace("{}", line))
    assert signed_in(said, DIRECT) is None
    assert not is_hung_up(said, DIRECT)
    assert not has_begun(said, DIRECT)
    assert peer(said) is None
    assert cause_of_silent(said, DIRECT, tells=True) in (Cause.LOGIN_REFUSED, Cause.HOST_KEY_UNKNOWN)
    assert cause_of_ssh(said, DIRECT) is not Cause.HOST_KEY_CHANGED


def test_a_host_that_asks_in_the_words_of_ssh_has_let_nobody_in() -> None:
    """keyboard-interactive: its name and instruction are lines of ssh's log (input_userauth_info_req)."""
    assert signed_in(told_apart(f"{FORGED[0]}\r\n{REFUSED}", ""), DIRECT) is None


@pytest.mark.parametrize(
    ("log", "others", "tells", "cause"),
    [
        ("", "Permission denied (nobody to ask)\n", True, Cause.LOGIN_REFUSED),
        ("", "Host key verification failed (nobody to ask)\n", True, Cause.HOST_KEY_UNKNOWN),
        (f"{MARK}something that no OpenSSH has said yet\r\n", "", True, Cause.LOGIN_REFUSED),
        ("something that no OpenSSH has said yet\r\n", "", False, Cause.LOGIN_REFUSED),
        (f"{MARK}Connection closed by 10.0.0.1 port 22\r\n", "", True, Cause.LOGIN_REFUSED),
        ("Connection closed by 10.0.0.1 port 22\r\n", "", True, Cause.CLOSED_EARLY),  # before the login
        ("Connection closed by 10.0.0.1 port 22\r\n", "", False, Cause.LOGIN_REFUSED),  # an ssh that cannot tell
        (f"{MARK}Connection reset by 10.0.0.1 port 22\r\n", "", True, Cause.CLOSED_EARLY),  # by the network
        (f"{MARK}ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: Broken pipe\r\n", "", True,
         Cause.CLOSED_EARLY),
        ("kex_exchange_identification: Connection closed by remote host\r\n"
         "Connection closed by 10.0.0.1 port 22\r\n", "", False, Cause.CLOSED_EARLY),
        ("ssh: connect to host login.site.edu port 22: Operation not permitted\r\n", "", True, Cause.NO_ROUTE),
        ("ssh: connect to host login.site.edu port 22: Connection refused\r\n", "", True, Cause.REFUSED),
        (f'{MARK}Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".\r\n',
         "Permission denied (publickey).\n", True, Cause.LOST),  # which a remote command says
    ],
)  # fmt: skip
def test_a_silent_try_was_refused_unless_the_network_failed_before(
    log: str, others: str, tells: bool, cause: Cause
) -> None:
    assert cause_of_silent(told_apart(log, others), DIRECT, tells=tells) is cause


def test_a_jump_host_that_hangs_up_during_its_login_has_refused_it() -> None:
    said = told_apart(CLOSED_BEHIND_PROXY, "Connection closed by 10.0.0.1 port 22\r\n")
    assert cause_of_silent(said, BEHIND, tells=True) is Cause.LOGIN_REFUSED


def test_what_ssh_says_for_lnode_alone_is_not_shown() -> None:
    said = told_apart(f"{MARK}{REFUSED}", "Welcome\n")
    assert came_to_login(said) and not came_to_login(Said(REFUSED))
    assert sorted(str(said)) == sorted(f"{REFUSED}Welcome\n")


def test_the_table_reaches_every_cause() -> None:
    others = {
        Cause.OVER,
        Cause.NO_ALIAS,
        Cause.EXPIRED,
        Cause.NO_SESSION,
        Cause.NO_TERMINAL,
    }  # which are no words of ssh's
    assert {cause for _, cause in SAID} == set(Cause) - others


CODES = {
    Cause.UNRESOLVED: ExitCode.UNREACHABLE,
    Cause.REFUSED: ExitCode.UNREACHABLE,
    Cause.NO_ROUTE: ExitCode.UNREACHABLE,
    Cause.TIMED_OUT: ExitCode.UNREACHABLE,
    Cause.CLOSED_EARLY: ExitCode.UNREACHABLE,
    Cause.NO_COMMON_ALGORITHM: ExitCode.UNREACHABLE,
    Cause.LOST: ExitCode.UNREACHABLE,
    Cause.LOGIN_REFUSED: ExitCode.LOGIN_REFUSED,
    Cause.SENT_AWAY: ExitCode.LOGIN_REFUSED,
    Cause.EXPIRED: ExitCode.LOGIN_REFUSED,
    Cause.NO_SESSION: ExitCode.MISSING_THERE,
    Cause.NO_TERMINAL: ExitCode.MISSING_THERE,
    Cause.NO_FORWARD: ExitCode.UNREACHABLE,
    Cause.HOST_KEY_UNKNOWN: ExitCode.HOST_KEY,
    Cause.HOST_KEY_CHANGED: ExitCode.HOST_KEY,
    Cause.BAD_CONFIG: ExitCode.USAGE,
    Cause.NO_ALIAS: ExitCode.USAGE,
}


@pytest.mark.parametrize("cause", CODES)
def test_every_cause_has_one_sentence_one_hint_and_its_exit_code(cause: Cause) -> None:
    error = explain(cause, "ssh's words", PLACE)
    assert error.code is CODES[cause]
    assert "unity" in error.message
    for sentence in (error.message, error.hint):
        assert sentence[0].islower()
        assert sentence[-1] not in ".!"
        assert sentence.isprintable()
        assert "{" not in sentence


def test_a_jump_host_that_forwards_nothing_is_not_taken_for_a_ban() -> None:
    words = "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n"
    error = explain(Cause.CLOSED_EARLY, CLOSED_BEHIND_PROXY + words, BEHIND)
    assert error.message == "the jump host on the way to unity opens no connection there for you"
    assert "AllowTcpForwarding" in error.hint
    assert explain(Cause.CLOSED_EARLY, words, PLACE).message.endswith("closed the connection before the login")


@pytest.mark.parametrize("cause", [Cause.HOST_KEY_CHANGED, Cause.BAD_CONFIG, Cause.NO_COMMON_ALGORITHM])
def test_what_must_be_read_in_full_is_shown(cause: Cause) -> None:
    assert explain(cause, "ssh's words", PLACE).detail == "ssh's words"


CLOSED_IN_LOGIN = "Connection closed by 10.0.0.1 port 22\r\n"


@pytest.mark.parametrize("log", [f"{MARK}{CLOSED_IN_LOGIN}", CLOSED_IN_LOGIN])  # an old ssh does not tell of the login
def test_a_site_that_lets_nobody_in_says_why(log: str) -> None:
    said = told_apart(log, "\n *** closed until 18:00 ***\r\n")
    error = explain(cause_of_ssh(said, DIRECT), str(said), DIRECT)
    assert (error.cause, error.detail) == (Cause.SENT_AWAY, "*** closed until 18:00 ***")
    assert wants_person(error.cause)


EXPIRED = "WARNING: Your password has expired.\nPassword change required but no TTY available.\n"


@pytest.mark.parametrize(
    ("status", "stderr", "cause"),
    [
        (254, "closed until 18:00\n", Cause.SENT_AWAY),
        (1, EXPIRED, Cause.EXPIRED),
        (0, EXPIRED, None),  # which a program says
        (1, "", None),
        (100, "", None),
        (255, "", None),
        (255, "PTY allocation request failed on channel 0\r\n", Cause.NO_TERMINAL),
        (255, "channel 1: open failed: connect failed: open failed\r\n", Cause.NO_SESSION),
        (255, "channel 3: open failed: connect failed: Connection refused\r\n", None),  # a forward's
        (255, "channel 3: open failed: administratively prohibited: open failed\r\n", None),
        (100, "PTY allocation request failed on channel 0\r\n", None),
    ],
)
def test_a_login_that_gives_no_shell(status: int, stderr: str, cause: Cause | None) -> None:
    assert cause_of_no_shell(status, told_apart(IN, stderr)) is cause


def test_a_banner_of_a_jump_host_is_not_the_login_of_the_host() -> None:
    assert cause_of_ssh(told_apart(CLOSED_IN_LOGIN, "Welcome to the gate\r\n"), BEHIND) is Cause.CLOSED_EARLY


def test_what_a_site_says_is_shown_with_every_sentence() -> None:
    assert explain(Cause.LOGIN_REFUSED, f"{MARK}{REFUSED}Your account has expired.\r\n", DIRECT).detail == (
        "Your account has expired."
    )


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ("Error: remote port forwarding failed for listen port 9999", "port 9999 there"),
        ("bind [127.0.0.1]:8888: Address already in use\r\nCould not request local forwarding.",
         "port 8888 of this laptop"),
        ("Could not request local forwarding.", "a port"),
    ],
)  # fmt: skip
def test_the_port_that_cannot_be_forwarded_is_named(words: str, port: str) -> None:
    said = told_apart(f"{IN}{words}\r\n", "")
    assert port in explain(cause_of_ssh(said, DIRECT), str(said), DIRECT).message
    assert not has_begun(said, DIRECT)  # ssh ends before it asks for a session


@pytest.mark.parametrize("line", [line for line in FORGED if not line.startswith("Authenticated")])
@pytest.mark.parametrize("end", [REFUSED, CLOSED_IN_LOGIN, "Connection reset by 10.0.0.1 port 22\r\n"])
def test_a_question_of_a_host_does_not_speak_as_ssh(line: str, end: str) -> None:
    """Up to OpenSSH 10.2 its name and its instruction stand in the log."""
    said, plain = (told_apart(f"{MARK}{words}{end}", "") for words in (f"{line}\r\n", ""))
    assert not has_begun(said, DIRECT)
    assert cause_of_ssh(said, DIRECT) is cause_of_ssh(plain, DIRECT)
    assert cause_of_silent(said, DIRECT, tells=True) is cause_of_silent(plain, DIRECT, tells=True)


def test_a_host_that_asks_about_masters_has_let_nobody_in() -> None:
    said = told_apart(f"{MARK}jobs from master nodes\r\n{REFUSED}", "")
    assert not has_begun(said, DIRECT)
    assert cause_of_ssh(said, DIRECT) is Cause.LOGIN_REFUSED


@pytest.mark.parametrize(
    "banner",
    [
        "Permission denied (ask the help desk) is what you get after an hour",
        "After 3 Too many authentication failures you are banned",
        "Sessions that timed out are removed",
        "Write to fatal@site.edu, or reset by peer",
    ],
)
def test_a_banner_is_not_taken_for_the_words_of_ssh(banner: str) -> None:
    reset = told_apart(f"{MARK}Connection reset by 10.0.0.1 port 22\r\n", f"{banner}\r\n")
    assert cause_of_ssh(reset, DIRECT) is Cause.CLOSED_EARLY
    closed = told_apart(IN, f"{banner}\r\nConnection to login.site.edu closed.\r\n")
    assert is_hung_up(closed, DIRECT)


def test_a_name_that_is_no_alias_is_a_slip_of_the_keyboard() -> None:
    error = explain(Cause.UNRESOLVED, "", HostLabel("untiy", "untiy", 22, "ssh untiy"))
    assert (error.code, "no alias untiy" in error.message) == (ExitCode.USAGE, True)
    spelled_out = HostLabel("login.site.edu", "login.site.edu", 22, "ssh login.site.edu")
    assert explain(Cause.UNRESOLVED, "", spelled_out).code is ExitCode.UNREACHABLE


def test_the_way_to_forget_a_changed_key_names_the_port() -> None:
    # ssh-keygen(1) -R looks for known_hosts' own spelling: [host]:port off port 22
    assert explain(Cause.HOST_KEY_CHANGED, "", PLACE).hint.endswith("ssh-keygen -R '[login.site.edu]:2200'")
    assert explain(Cause.HOST_KEY_CHANGED, "", HostLabel("u", "login", 22, "ssh u")).hint.endswith(
        "ssh-keygen -R login"
    )


@pytest.mark.parametrize(
    ("said", "place", "how"),
    [
        ('Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".\r\n', DIRECT, "publickey"),
        ('Authenticated to login.site.edu ([::1]:2200) using "keyboard-interactive".', DIRECT, "keyboard-interactive"),
        ('Authenticated to login.site.edu (via proxy) using "password".', BEHIND, "password"),
        ("Authenticated to login.site.edu ([10.0.0.1]:2200).", DIRECT, "?"),  # OpenSSH before 8.7
        ('Authenticated to gate.site.edu ([10.0.0.1]:22) using "publickey".', BEHIND, None),
        ('Authenticated to login.site.edu ([10.0.0.1]:22) using "publickey".', BEHIND, None),
        ("Connection refused", DIRECT, None),
    ],
)
def test_who_has_logged_in_and_how(said: str, place: HostLabel, how: str | None) -> None:
    assert signed_in(Said(f"Warning: whatever\r\n{said}"), place) == how


@pytest.mark.parametrize(
    ("said", "begun"),
    [
        ("", True),
        ("mux_client_request_session: read from master failed: Broken pipe", True),
        ('Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".', True),
        ("unix_listener: path too long for Unix domain socket", False),
        ("Could not request local forwarding.", False),
    ],
)
def test_whether_there_was_a_session_to_lose(said: str, begun: bool) -> None:
    assert has_begun(Said(said), DIRECT) is begun


def test_an_option_that_this_ssh_does_not_support_is_no_word_of_a_connection() -> None:
    """`CompressionLevel 9` of an old handbook: over a master the log has nothing else."""
    log = (
        '/home/alice/.ssh/config line 2: Unsupported option "compressionlevel"\r\n'
        '/etc/ssh/ssh_config line 53: Unsupported option "gssapiauthentication"\r\n'
    )
    assert has_begun(told_apart(log, ""), DIRECT)
    lost = f"{log}mux_client_request_session: read from master failed: Broken pipe\r\n"
    assert has_begun(told_apart(lost, ""), DIRECT)
    assert signed_in(told_apart(log + IN, ""), DIRECT) == "publickey"
    late = f"{IN}{log}"
    assert told_apart(late, "").own == late


def test_words_without_a_log_are_no_session() -> None:
    """ssh says on standard error what is wrong with its command line, before it knows of a log."""
    assert not has_begun(Said("", "command-line: line 0: Bad configuration option: nonsense\r\n"), DIRECT)
    assert not has_begun(Said("", "Shared connection to x closed.\r\nPermission denied (nobody to ask)\n"), DIRECT)


def test_who_has_typed_the_escape_of_ssh() -> None:
    told = 'Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".\r\n'
    closed = "Connection to login.site.edu closed.\r\n"
    assert is_hung_up(Said(f"{told}Transferred: sent 3792, received 3284 bytes, in 0.3 seconds\r\n", closed), DIRECT)
    assert not is_hung_up(Said(told, f"Connection to login.site.edu closed by remote host.\r\n{closed}"), DIRECT)
    assert not is_hung_up(Said(told, f"Killed by signal 15.\r\n{closed}"), DIRECT)
    assert not is_hung_up(Said(told, "Connection to login.site.edu closed by remote host.\r\n"), DIRECT)
    assert not is_hung_up(Said(told), DIRECT)
    assert not is_hung_up(Said("", closed), DIRECT)


def test_whom_a_master_has_let_go() -> None:
    shared = Said("", "Shared connection to 10.0.0.1 closed.\r\n")
    assert is_let_go(shared) and has_begun(shared, DIRECT)
    assert not is_let_go(Said("", "Connection to 10.0.0.1 closed.\r\n"))
    assert not is_hung_up(shared, DIRECT)


@pytest.mark.parametrize("way", ["publickey", "hostbased", "gssapi-with-mic", "gssapi-keyex", "none", "?"])
def test_ways_that_ask_nobody(way: str) -> None:
    assert not takes_person(way)


@pytest.mark.parametrize("way", ["password", "keyboard-interactive", "a new one"])
def test_ways_that_ask_somebody(way: str) -> None:
    assert takes_person(way)


def test_where_ssh_has_connected_to() -> None:
    assert peer(Said('x\r\nAuthenticated to login.site.edu ([fe80::1%2]:2200) using "publickey".\r\n')) == "fe80::1%2"
    assert peer(Said('Authenticated to login.site.edu (via proxy) using "password".\r\n')) is None


@pytest.mark.parametrize(
    "forged",
    ["10.0.0.2", "x;touch${IFS}/tmp/pwned;:", "dead.beef", "evil.org", "::1%$(id)", "-oPort=1", "[::1"],
)
def test_a_question_in_the_words_of_a_login_is_none(forged: str) -> None:
    """Up to OpenSSH 10.2 a host may ask nothing (no prompt) and say anything, and then let you in."""
    line = f'Authenticated to login.site.edu ([{forged}]:2200) using "publickey".\r\n'
    said = told_apart(f"{AGREED}{line}{IN.removeprefix(AGREED)}", "")
    assert peer(said) is None
    assert takes_person(signed_in(said, DIRECT) or "")
    assert peer(told_apart(f"{AGREED}{line}", "")) in (None, "10.0.0.2")


def test_a_jump_host_that_passes_a_socket_is_a_login_by_address() -> None:
    """ProxyUseFdpass: ssh_packet_connection_is_on_socket() is true then (OpenSSH, packet.c)."""
    said = Said('Authenticated to login.site.edu ([10.0.0.1]:2200) using "publickey".')
    assert signed_in(said, BEHIND) is None
    assert signed_in(said, BEHIND._replace(passes_socket=True)) == "publickey"


def test_a_changed_host_key_is_named_as_known_hosts_has_it() -> None:
    hint = explain(Cause.HOST_KEY_CHANGED, "", DIRECT._replace(key_alias="cluster")).hint
    assert "ssh-keygen -R cluster" in hint


LOGGED_IN = 'Authenticated to login.site.edu ([10.0.0.1]:22) using "publickey".\r\n'


@pytest.mark.parametrize(
    ("words", "fell"),
    [
        ("Timeout, server login.site.edu not responding.", True),
        ("client_loop: send disconnect: Connection timed out", True),
        ("Read from remote host login.site.edu: Operation timed out", True),
        ("Connection to login.site.edu closed by remote host.", False),
        ("client_loop: send disconnect: Broken pipe", False),
    ],
)
def test_a_session_that_ssh_gave_up_in_a_silence(words: str, fell: bool) -> None:
    assert fell_silent(told_apart(f"{LOGGED_IN}{words}\r\n", "")) is fell
    assert not fell_silent(told_apart(LOGGED_IN, f"{words}\r\n"))  # whoever else says so


@pytest.mark.parametrize(
    "words",
    [
        "ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: Software caused connection abort",
        "ssh_dispatch_run_fatal: Connection to 10.0.0.1 port 22: message authentication code incorrect",
        "fork failed: Resource temporarily unavailable",
    ],
)
def test_what_ends_before_the_keys_are_agreed_is_no_refused_login(words: str) -> None:
    assert cause_of_silent(told_apart(f"{words}\r\n", ""), DIRECT, tells=True) is Cause.CLOSED_EARLY
    agreed = f"{MARK}{words}\r\n"
    assert cause_of_silent(told_apart(agreed, ""), DIRECT, tells=True) in (Cause.LOGIN_REFUSED, Cause.CLOSED_EARLY)
