"""What tmux(1) says of its sessions and clients, as records.

Fields of a row are separated by spaces and the free text comes last: without `-u` in a C locale tmux prints a tab
as `_` (seen in 3.3a), and its names never hold a newline or a control character (session_check_name).
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from lnode.remote.fields import JobId, PaneId, SessionId, epoch, number

if TYPE_CHECKING:
    from lnode.cluster.screens import PaneScreen  # loaded after ssh has started

# Options that a tmux before 2.0 does not know come out empty. lnode's own values come before the free text.
PANES_FORMAT = (
    "#{session_id} #{session_created} #{session_activity} #{session_attached} #{pane_pid} #{pane_id} "
    "f#{window_flags} k#{@lnode_kind} o#{@lnode_owner} e#{@lnode_ended} w#{@lnode_warned} t#{@lnode_told} "
    "#{session_name}"
)


def list_values(tmux_path: str, signs: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the values of list.sh, behind the nonce. `tmux_path` is the configured one, or "".

    It answers with the screens on which one of the `signs` stands.
    """
    return (PANES_FORMAT, tmux_path, "\n".join(signs))


class Ended(NamedTuple):
    """The end of a session's request: None or "" for an unknown value; `at` is in the host's epoch seconds."""

    job: JobId | None
    state: str
    at: int


Birth = tuple[SessionId, int, int]
"""tmux's id of a session, the second in which it began, and the pid of its server: 0 before tmux 2.1."""


class Session(NamedTuple):
    """A tmux session. Times are seconds since the epoch on the host's clock.

    `pane_pids` are the first processes of its panes, `pane_ids` tmux's own `%3`, in the same order; `kind` is "node",
    "login", "run", or "" for one made by hand. `clients` has the origin of each client: a laptop's name, a host,
    else a tty. `alerts` are tmux's flags of its windows: `!` bell, `~` silence, `#` activity. `told` is the job whose
    start was told, `warned` the last warning (`JOB MINUTES`). `ends_by` is the option of tmux by which the session ends
    when nobody is attached, or "". `prefix` is its prefix key, as tmux names it: C-b. `server` is the pid of its
    server, 0 before tmux 2.1. `screens` are those of its panes that list.sh has shown. `in_job` is the job in which the
    session lives, None for one on a login node: such a session has no panes until its job has shown them. `kept_until`
    is the epoch until which it outlives that, or 0, and `refused` why the scheduler gives no next job, or "".
    """

    id: SessionId
    name: str
    created: int
    active: int
    attached: int
    pane_pids: tuple[int, ...]
    kind: str
    pane_ids: tuple[PaneId, ...] = ()
    alerts: str = ""
    clients: tuple[str, ...] = ()
    ended: Ended | None = None
    told: str = ""
    warned: str = ""
    ends_by: str = ""
    prefix: str = ""
    server: int = 0
    screens: "tuple[PaneScreen, ...]" = ()
    in_job: JobId | None = None
    kept_until: int = 0
    refused: str = ""

    @property
    def birth(self) -> Birth:
        return self.id, self.created, self.server

    @property
    def is_seen(self) -> bool:
        """Return whether its tmux has said who is attached, and since when it is quiet."""
        return not self.in_job or bool(self.pane_ids)


_PANE = r"(\$[0-9]{1,10}) ([0-9]{1,12}) ([0-9]{0,12}) ([0-9]{1,6}) ([0-9]{1,10}) (%[0-9]{1,10}) f(\S{0,20}) k(.*)"
_TOLD = r"(?:waiting-)?[A-Za-z0-9._+\[\]-]{1,300}"  # a job, or that it waits
_ALERTS = "!~#"


def parse_panes(lines: Iterable[str]) -> tuple[Session, ...]:
    """Read `list-panes -a -F PANES_FORMAT`: one session for all its panes, in tmux's order; skip other lines.

    A strange value of an option does not hide the session.
    """
    found: dict[SessionId, Session] = {}
    pids: dict[SessionId, list[int]] = {}
    panes: dict[SessionId, list[PaneId]] = {}
    for row in lines:
        match, options, name = _split(row)
        if match is None or not name:
            continue
        id_, created, attached = SessionId(match[1]), epoch(match[2]) or 0, int(match[4])
        active, flags = epoch(match[3]) or created, match[7]
        pids.setdefault(id_, []).append(int(match[5]))
        panes.setdefault(id_, []).append(PaneId(match[6]))
        before = found.get(id_) or Session(id_, name, created, active, attached, (), "")
        found[id_] = before._replace(
            kind=options["k"] if options["k"] in ("node", "login", "run") else "",
            alerts="".join(flag for flag in _ALERTS if flag in before.alerts + flags),
            ended=_parse_ended(options["e"]),
            told=options["t"] if re.fullmatch(_TOLD, options["t"]) else "",
            warned=options["w"] if re.fullmatch(rf"{_TOLD} [0-9]{{1,6}}", options["w"]) else "",
        )
    return tuple(one._replace(pane_pids=tuple(pids[id_]), pane_ids=tuple(panes[id_])) for id_, one in found.items())


def _split(row: str) -> tuple[re.Match[str] | None, dict[str, str], str]:
    """Return the beginning of a row, its options by their letters, and the name."""
    match, options = re.fullmatch(_PANE, row, re.DOTALL), {}
    rest = match[8] if match else ""
    for letter, end in (("k", " o"), ("o", " e"), ("e", " w"), ("w", " t"), ("t", " ")):
        options[letter], _, rest = rest.partition(end)
    return match, options, rest


def _parse_ended(value: str) -> Ended | None:
    """Read the option @lnode_ended: `JOB STATE EPOCH`, with `-` for an unknown value."""
    match = re.fullmatch(r"(\S{1,300}) ([A-Z_-]{1,40}) ([0-9]{1,12})", value)
    at = epoch(match[3]) if match else None
    return Ended(JobId.parse(match[1]), match[2].strip("-"), at) if match and at is not None else None


def parse_owners(lines: Iterable[str]) -> dict[SessionId, tuple[int, str]]:
    """Read the leases (@lnode_owner) from the same rows: session id -> (epoch, laptop's name)."""
    rows = ((SessionId(match[1]), options["o"]) for match, options, _ in map(_split, lines) if match)
    leases = ((id_, re.fullmatch(r"[^,]*,([0-9]{1,12}),([\w.-]{1,40}),.*", value)) for id_, value in rows)
    return {id_: (int(lease[1]), lease[2]) for id_, lease in leases if lease}


def parse_options(lines: Iterable[str]) -> dict[SessionId, tuple[str, str, int]]:
    """Read the rows `options SESSION_ID s... x... d... p...`.

    Session id -> (the option that ends it unattached, prefix, pid of the server).
    """
    pattern = r"options (\$[0-9]{1,10}) s([0-9]{0,10}) x(\S{0,20}) d(\S{0,20}) p([!-~]{0,12})"
    rows = (re.fullmatch(pattern, row) for row in lines)
    on = ("on", "1")  # formats show a flag as a number; destroy-unattached is a word since 3.4
    return {
        SessionId(row[1]): (
            "exit-unattached" if row[3] in on else "destroy-unattached" if row[4] in on else "", row[5],
            number(row[2]) or 0,
        )
        for row in rows if row
    }  # fmt: skip


class Client(NamedTuple):
    """A tmux client. `pid` is None before tmux 2.1."""

    session_id: SessionId
    tty: str
    pid: int | None


def parse_clients(lines: Iterable[str]) -> tuple[Client, ...]:
    """Read the rows `client SESSION_ID PID /dev/TTY`; skip other lines."""
    rows = (re.fullmatch(r"client (\$[0-9]{1,10}) ([0-9]{0,10}) (\S{1,80})", row) for row in lines)
    return tuple(Client(SessionId(row[1]), row[3], number(row[2])) for row in rows if row)


def parse_marks(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Read the options @lnode_run_...: tty -> (pid of the client's parent, epoch), of a tty's latest run."""
    rows = (re.fullmatch(r'@lnode_run_\S+ "?(\S{1,80}) ([0-9]{1,10}) ([0-9]{1,12})"?', row) for row in lines)
    marks = sorted((int(row[3]), row[1], int(row[2])) for row in rows if row)
    return {tty: (pid, epoch) for epoch, tty, pid in marks}


def parse_who(lines: Iterable[str]) -> dict[str, str]:
    """Read who(1): tty -> the host that it came from, if who names one."""
    rows = ((re.match(r"\S+ +(\S{1,80}) ", row), row.rstrip().rpartition("(")) for row in lines)
    return {
        f"/dev/{tty[1]}": host[:-1] for tty, (_, _, host) in rows
        if tty and re.fullmatch(r"[^()]{1,200}\)", host)
    }  # fmt: skip
