"""Whatever a host answers, lnode reads it: a picture, a table, news and a sentence come out, and nothing is raised."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from full import FULL
from lnode.attach import announcements as news
from lnode.attach import expiry
from lnode.cluster import panes, sessions, tmux
from lnode.commands.doctor import checks
from lnode.commands.ls import table
from lnode.commands.ls.document import document
from lnode.commands.ls.table import View
from lnode.commands.rescue import recipes
from lnode.commands.setup import livenode
from lnode.remote.reply import parse_reply
from lnode.runs import log_frames, record
from lnode.text import visible

NONCE = "lnode-0123456789abcdef"
NOW = 1_795_890_000
_SLURM = (
    f"{'4711':24}{'4242':16}{'0':4}{NOW:<24}{'RUNNING':20}{'60:00:00':24}{NOW:<24}"
    f"{'login1':80}{'c0512':400}{'None':160}bash"
)
_TRUE = {
    "host": ["login1", str(NOW), "22"],
    "panes": [
        "client $1 4400 /dev/pts/3", "named work",
        f"$1 {NOW} {NOW} 1 4242 %1 f* knode o{'a' * 16},{NOW},laptop,k e4711 TIMEOUT {NOW} w4711 10 t4711 work",
    ],
    "marks": [f"@lnode_run_0123456789abcdef /dev/pts/3 4399 {NOW}"],
    "who": ["me       pts/3        2026-11-28 12:00 (laptop.example.org)"],
    "processes": [" 4242 4000 4242 01:00 salloc", " 4400 4399 4400 1-02:03:04 tmux"],
    "nodes": ["login2 22 other"],
    "runs": [f"sim 0123456789abcdef running login1 4300 {NOW} - - 4711 work ./train"],
    "jobs": [_SLURM],
    "origins": ["pid 4242", "TMUX=/tmp/tmux-1000/default,4000,0", "TMUX_PANE=%1"],
    "scheduler": ["slurm", "pbs", "lsf", "sge", "oar", "flux"],
    "clients": [
        "client 4242 4000 4242 01:00 qsub -I", "client 4243 4000 4243 01:00 qrsh",
        "client 4244 4000 4244 01:00 nios", "4245 4000 4245 01:00 oarsub", "client 4245 4000 4245 01:00 oarsub -I",
        "client 4246 4000 4246 01:00 flux-job attach f2ARxLQf",
    ],
    "evidence": ["port 4243 C350", "number 4244 4711", "pane 4245 %1", "number 4246 f2ARxLQf"],
    "jobs-of-clients": [
        "Job Id: 4711.server", "    job_state = R", "    interactive = True", "    ctime = Sat Nov 28 12:00:00 2026",
        "    submit_host = login1", "    exec_host = b141/0*16", "    Resource_List.walltime = 72:00:00", "\tmore",
        "    comment = Not Running: x", "4711|RUN|login1|Nov 28 12:00|71:59 L|4*hosta:hostb|bash",
        "<JB_job_number>4711</JB_job_number>", "<state>r</state>",
        "<JAT_start_time>2026-11-28T12:00:00</JAT_start_time>",
        "<queue_name>all.q@b141</queue_name>", "job_number:                 4711",
        "submission_time:            Sat Nov 28 12:00:00 2026", "env_list:                   QRSH_PORT=login1:50000",
        "hard_resource_list:         h_rt=3600",
        "Job_Id: 4711", "    name = lnode%1", "    state = Running", "    assigned_hostnames = b141",
        "    jobType = INTERACTIVE", "    submissionTime = 2026-11-28 12:00:00", "    walltime = 72:0:0",
        "    message = R=1,W=1:0:0,J=I (x)",
        "0xa4e000000|RUN|16|1700000000.5|3600.0|60.0|b141||flux",
    ],
    "no-scheduler": [], "scheduler-silent": [], "no-tmux": [], "lost-tmux": [], "unkept": [], "end": [],
}  # fmt: skip
_ODD = st.one_of(
    st.sampled_from(
        [
            "",
            "-",
            "9" * 5000,
            "-1",
            "999999999999",
            "253402300800",
            "\u0665",
            "\u00b2",
            "0",
            "99999",
            "x$(id)",
            "a\x00b",
        ]
    ),
    st.sampled_from(
        ["\x1b]52;c;aGk=\x07", "\x9b8m", "\u202e", "\u2028", "\udc80", "%s{0}{}", "\\", "Dec 31 23:59 9999"]
    ),
    st.text(max_size=12),
)


@st.composite
def _rows(draw: st.DrawFn, true: list[str]) -> list[str]:
    """Rows that are almost true: words of some are another's, or odd."""
    rows = draw(st.lists(st.sampled_from(true), max_size=4)) if true else []
    found = []
    for row in rows:
        words = row.split(" ")
        for at in draw(st.lists(st.integers(0, len(words) - 1), max_size=3)):
            words[at] = draw(_ODD)
        found.append(" ".join(words))
    return [*found, *draw(st.lists(_ODD, max_size=2))]


@st.composite
def _replies(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    names = draw(st.lists(st.sampled_from(sorted(_TRUE)), unique=True, max_size=len(_TRUE)))
    always = [name for name in ("host", "panes", "jobs") if draw(st.booleans())]
    return {name: tuple(draw(_rows(_TRUE[name]))) for name in dict.fromkeys((*always, *names))}


def test_the_truth_is_understood() -> None:
    """Else the lies below would test nothing."""
    reply = {name: tuple(rows) for name, rows in _TRUE.items() if not name.startswith(("no-", "lost", "scheduler"))}
    picture = sessions.picture_of(reply)
    entry = picture.named("work")
    assert entry is not None and entry.job is not None
    assert (entry.job.id, entry.state, picture.login_node) == ("4711", sessions.State.RUNNING, "login1")


@settings(max_examples=200, deadline=None)
@given(replies=st.lists(_replies(), min_size=1, max_size=2), age_s=st.integers(0, 10**9))
def test_any_reply_can_be_shown(replies: list[dict[str, tuple[str, ...]]], age_s: int) -> None:
    pictures = tuple(map(sessions.picture_of, replies))
    view = View("unity", pictures, age_s=age_s, runs=record.of_replies(replies))
    columns, rows = table.table([view], all_columns=True, with_host=True)
    assert all(len(row) == len(columns) for row in rows)
    json.dumps(document(view))
    for line in table.notes([view]):
        visible(line)
    for picture in pictures:
        for entry in picture.entries:
            assert isinstance(news.truth(entry, "unity", picture), str)
            assert isinstance(news.title(entry, picture), str)
            new = news.news(entry, news.Seen("4711", waited=False).then(entry))
            assert new is None or tmux.literal(new.text).isprintable()
            assert isinstance(sessions.whereabouts(entry), str)
            assert expiry.pause_s(entry, picture.now) > 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(_ODD, max_size=20),
    st.dictionaries(
        st.sampled_from(
            (
                "ssh",
                "now",
                "asked",
                "answered",
                "login_s",
                "max_sessions",
                "tmux_version",
                "home_free_kb",
                "term_unknown",
                "host",
                "noise",
            )
        ),
        _ODD,
    ),
)
def test_any_row_of_the_other_scripts_can_be_read(rows: list[str], facts: dict[str, str]) -> None:
    reply = {name: tuple(rows) for name in ("look", "pane", "screen", "before", "started")}
    panes.again(reply)
    panes.parse_look(reply)
    panes.parse_look({"look": ("|7 7 0 0 no", *rows)})
    record.parse_runs(rows)
    livenode.parse_version(" ".join(rows))
    for layers in (checks.LAYERS, checks.HERE):
        for finding in checks.findings(facts, layers):
            visible(finding.fix)
    found = recipes.parse(
        [
            "uid 1000",
            "mine yes",
            *(
                f"{name} {row}"
                for name in ("command", "job", "others", "state", "tty", "shell", "session")
                for row in rows
            ),
        ]
    )
    if isinstance(found, recipes.RescueProcess):
        for line in recipes.recipe(found, "unity"):
            visible(line)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_any_bytes_of_a_log_are_frames_or_torn(data: bytes, step: int, framed: bool) -> None:
    reader = log_frames.Chunks(NONCE)
    stream = (f"\n{NONCE} data 0 3\nabc\n{NONCE} ok\n{NONCE} ".encode() + data + b"\n") if framed else data
    try:
        for at in range(0, len(stream), step):
            for frame in reader.feed(stream[at : at + step]):
                assert len(frame.data) <= log_frames.MAX_LENGTH
    except log_frames.Torn:
        pass


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            _ODD, st.just(f"{NONCE} host"), st.just(f"{NONCE} end"), st.just(f"{NONCE} "), st.just("lnode-x host")
        )
    )
)
def test_any_lines_are_a_reply(lines: list[str]) -> None:
    reply = parse_reply(NONCE, lines)
    assert all(row and not row.startswith(f"{NONCE} ") for rows in reply.values() for row in rows)


_OTHERS = ("pbs", "lsf", "sge", "oar", "flux")
SECTION = 4 << 20 if FULL else 1 << 20  # bytes


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [(name, "slurm") for name in sorted(_TRUE)]
    + [(name, other) for name in ("clients", "evidence", "jobs-of-clients") for other in _OTHERS],
)  # fmt: skip
def test_a_long_section_is_read(name: str, scheduler: str) -> None:
    """Its limit is that of every test: what is quadratic would take much longer."""
    true = _TRUE[name] or ["x"]
    rows = tuple(true[at % len(true)].replace("4242", str(4242 + at % 5000)) for at in range(SECTION // 100))
    reply = {other: tuple(rows) for other, rows in _TRUE.items() if not other.startswith(("no-", "lost"))}
    reply |= {name: rows, "scheduler": (scheduler,)}
    document(View("unity", (sessions.picture_of(reply),), runs=record.of_replies([reply])))
