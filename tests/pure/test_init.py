"""`--init`: a site's answer, the keys that lnode proposes for it, and config.toml with them."""

import tomllib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnode.commands.init.config_file import with_keys
from lnode.commands.init.new_host import described, is_address, short_name, with_block
from lnode.commands.init.proposal import found, propose, to_ask
from lnode.commands.init.site import Site, parse_site
from lnode.laptop.settings import DEFAULT_COMMAND, HostSettings
from lnode.remote.fields import TimeLimit
from lnode.schedulers.known import KNOWN, scheduler

QUEUES = (
    "normal default 1-00:00:00 12:00:00 32000 -",
    "gpu - 7-00:00:00 n/a 96000 gpus",
    "gpu - 7-00:00:00 n/a 64000 -",
)
SALLOC = "salloc --mem={mem}M --time={time} srun --pty bash -l"


def site(*, program: str = "", queues: Sequence[str] = QUEUES, scheduler: str = "slurm") -> Site:
    reply = {"shell": ["bash"], "tmux": ["tmux 3.3a"], "scheduler": [scheduler], "queues": queues, "program": [program]}
    return parse_site(reply)


@pytest.mark.parametrize(
    ("program", "command", "gpus"),
    [
        ("", SALLOC, SALLOC.replace("salloc", "salloc --partition={partition} --gres=gpu:{gpus}")),
        ("sinteractive no -m:t:p:g:", DEFAULT_COMMAND, None),
        ("interactive no -t:n:", "interactive -t {time}", ""),
        ("interactive no -p:g:m:hx", "interactive -m {mem}", "interactive -p {partition} -g {gpus} -m {mem}"),
        ("interactive yes -", "interactive --mem={mem}M --time={time}",
         "interactive --partition={partition} --gres=gpu:{gpus} --mem={mem}M --time={time}"),
        ("idev no -", "idev", ""),
        ("idev no -m:t:", "idev -t {time}", ""),
        ("$(evil) yes -mt", SALLOC, SALLOC.replace("salloc", "salloc --partition={partition} --gres=gpu:{gpus}")),
    ],
)  # fmt: skip
def test_each_program_gets_the_words_that_it_takes(program: str, command: str, gpus: str | None) -> None:
    proposed = propose(site(program=program))
    assert proposed.host["command"] == command
    if gpus == "":
        assert proposed.gpus == {}
    else:
        assert (proposed.gpus.get("command"), proposed.gpus["partition"], proposed.gpus["gpus"]) == (gpus, "gpu", 1)


def test_what_exceeds_the_limits_of_the_queue_becomes_less() -> None:
    assert propose(site()).host == {"command": SALLOC, "mem": 16000, "time": "1-00:00:00"}
    roomy = ["normal default infinite n/a 900000 -"]
    assert propose(site(queues=roomy)).host == {"command": SALLOC}
    assert propose(site(program="idev no -")).host == {"command": "idev"}


@pytest.mark.parametrize("name", KNOWN)
def test_the_request_of_each_scheduler_is_one_that_settings_can_fill(name: str) -> None:
    command = propose(site(scheduler=name, queues=())).host["command"]
    assert command == scheduler(name).request
    assert HostSettings(command=str(command)).filled()
    assert scheduler(name).title in found("unity", site(scheduler=name))[0]


def test_a_site_that_lnode_does_not_know_is_asked_about() -> None:
    unknown = site(scheduler="")
    assert propose(unknown) == ({}, {})
    assert "no scheduler that lnode knows" in found("unity", unknown)[0]
    assert to_ask(unknown) == [
        "which command starts an interactive job on a compute node, and how does it take memory and time?"
    ]
    assert to_ask(site(program="idev no -")) == ["how does idev take memory and time?"]
    assert to_ask(site()) == []


def test_the_queues_are_told_in_words() -> None:
    assert found("unity", site(program="sinteractive no -m:t:h")) == [
        "unity has: Slurm; the site's own command is sinteractive, which takes -m -t; tmux 3.3a; your shell is bash",
        "its queues: normal (the default, at most 1-00:00:00, 12:00:00 if you ask for no time), "
        "gpu (at most 7-00:00:00, GPUs)",
    ]


@pytest.mark.parametrize("row", ["-x - - - 0 -", "a;b - - - 0 -", "a - - -", "\x1b[2J - - - 0 -", "", "a  - - - 0 -"])
def test_a_queue_that_does_not_fit_was_not_said(row: str) -> None:
    assert site(queues=[row]).queues == ()


@given(st.dictionaries(st.sampled_from(("shell", "tmux", "scheduler", "queues", "program")), st.lists(st.text())))
def test_no_answer_becomes_more_than_plain_words(reply: dict[str, list[str]]) -> None:
    there = parse_site(reply)
    for keys in propose(there):
        assert tomllib.loads(with_keys("", "hosts", "x", keys)).get("hosts", {}).get("x", {}) == keys
    assert all(line.isprintable() for line in found("x", there))


@pytest.mark.parametrize(
    ("text", "seconds"), [("30:00", 1800), ("72:00:00", 259_200), ("7-00:00:00", 604_800), ("1-12:30", 131_400)]
)
def test_a_time_limit_has_a_length(text: str, seconds: int) -> None:
    assert TimeLimit(text).seconds == seconds


@pytest.mark.parametrize("text", ["infinite", "UNLIMITED", "-1:00", "1:0", "", "1:00;x", "9" * 9 + ":00"])
def test_all_else_is_no_time_limit(text: str) -> None:
    assert TimeLimit.parse(text) is None


# --- config.toml

KEYS = {"command": 'a "b" {mem}', "mem": 1}
IN_TEXT = "[hosts.y]\ncwd = '''\n[hosts.x]\n'''\n"  # a header that is none
LINES = 'command = "a \\"b\\" {mem}"\nmem = 1\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"[hosts.x]\n{LINES}"),
        ("# mine", f"# mine\n\n[hosts.x]\n{LINES}"),
        ("[hosts.x] # that\ntmux = 't' # this\n", f"[hosts.x] # that\n{LINES}tmux = 't' # this\n"),
        ("[hosts.\"x\"]\n", f'[hosts."x"]\n{LINES}'),
        ("[hosts.x]", f"[hosts.x]\n{LINES}"),
        ("[hosts.x]\nmem = 5\n[hosts.y]\n", '[hosts.x]\ncommand = "a \\"b\\" {mem}"\nmem = 5\n[hosts.y]\n'),
        (f"{IN_TEXT}[hosts.x]\n", f"{IN_TEXT}[hosts.x]\n{LINES}"),
    ],
)  # fmt: skip
def test_lines_are_added_and_all_others_stay(before: str, after: str) -> None:
    assert with_keys(before, "hosts", "x", KEYS) == after
    assert with_keys(after, "hosts", "x", KEYS) == after


@pytest.mark.parametrize("before", ["hosts.x.tmux = 't'\n", "hosts = {}\n", "[hosts]\nx = {tmux = 't'}\n"])
def test_a_table_that_lines_cannot_extend_is_left_alone(before: str) -> None:
    with pytest.raises(ValueError, match="command = "):
        with_keys(before, "hosts", "x", KEYS)


def test_a_name_that_is_not_bare_is_quoted() -> None:
    assert with_keys("", "hosts", "me@a.b", {"mem": 1}) == '[hosts."me@a.b"]\nmem = 1\n'


# --- ~/.ssh/config


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "B\n"),
        ("User me", "User me\n\nB\n"),
        ("Host *\n", "B\n\nHost *\n"),
        ("User me\n\n# all\n# of them\n match all\n", "User me\n\nB\n\n# all\n# of them\n match all\n"),
        ("HostName a\nInclude x\n", "HostName a\nInclude x\n\nB\n"),
    ],
)
def test_a_block_stands_before_the_first_section(before: str, after: str) -> None:
    assert with_block(before, "B\n") == after


def test_an_address_may_hold_all() -> None:
    assert described("u", "me@[::1]:2222") == ("u", "::1", "me", "2222", "")
    assert described("u", "a.b", "you", "g,me@h:3") == ("u", "a.b", "you", "", "g,me@h:3")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("login.unity.edu", "unity"), ("alice@login-2.unity.edu:2222", "unity"), ("cluster.rz.uni.de", "cluster"),
        ("hpc.uni.de", "uni"), ("10.0.0.1", ""), ("[::1]:22", ""), ("alice@unity", ""), ("login.edu", ""),
    ],
)  # fmt: skip
def test_an_address_has_a_short_name(address: str, name: str) -> None:
    assert short_name(address) == name


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("unity", False), ("login.unity.edu", True), ("a@b", True), ("b:22", True), ("my cluster", False), ("", False)],
)
def test_an_address_is_told_from_a_name(text: str, is_one: bool) -> None:
    assert is_address(text) is is_one


def test_line_ends_of_windows_stay_and_mixed_ones_too() -> None:
    assert with_block("Host a\r\n", "B\n") == "B\r\n\r\nHost a\r\n"
    assert with_block("Host a\r\nHost b\n", "B\n") == "B\n\nHost a\r\nHost b\n"
    assert with_keys("a = 1\r\n", "hosts", "x", {"mem": 1}) == "a = 1\r\n\r\n[hosts.x]\r\nmem = 1\r\n"


@pytest.mark.parametrize(
    "words",
    [("new", "a.b"), ("new", "bob@a.b:2222"), ("new", "[::1]:22", "bob", "me@gate:2200,other"), ("new", "[fe80::1]")],
)
def test_a_host_in_one_line_is_the_same_host(words: tuple[str, ...]) -> None:
    host = described(*words)
    program, alias, init, address, typed, *gate = host.typed.split(" ")
    assert (program, init, address, gate[:1]) == ("lnode", "--init", "--address", ["--gate"] if host.gate else [])
    assert described(alias, typed, gate="".join(gate[1:])) == host
