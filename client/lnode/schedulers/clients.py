"""The processes that hold interactive jobs (qsub -I, nios of bsub -Is, qrsh, oarsub -I), and which job each one holds.

Four proofs. By port: Grid Engine's job knows the port of its client, and the kernel knows the process of a port. By
number: bsub becomes nios, and puts LSB_JOBID into its environment (startNios in openlava's lsb.sub.c); OAR's ssh has it
in its command line. By pane: PBS keeps a variable of the client's environment with the job (`qsub -v`), OAR its name,
and exactly one job and one client have the same tmux pane. By time: a client submits its job at once, so exactly one
job was submitted just after exactly one client had started.
Without a proof the owner is unknown, because --kill would cancel a wrong job.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import NamedTuple

from lnode.remote.fields import JobId, PaneId, Port
from lnode.remote.reply import Reply
from lnode.schedulers.job import Job, parse_duration, short_host

SOON_S = 10  # from the start of a client to its job's submission
EARLY_S = 2  # a job may seem to be that much older than its client: seconds are cut, clocks are not quite the same


class Client(NamedTuple):
    """A process that waits for its job or carries its terminal, `age_s` seconds old."""

    pid: int
    parent: int
    sid: int
    age_s: int
    command: str


class Asked(NamedTuple):
    """An interactive job and its facts about its client: `port`, and the `pane` in which the client was started.

    Either is None if the job does not tell it. The job's `sid` is 0. Its `submitted` was cut to `grain_s` seconds.
    """

    job: Job
    port: Port | None = None
    grain_s: int = 1
    pane: PaneId | None = None


def parse_clients(lines: Iterable[str]) -> tuple[Client, ...]:
    """Read `client PID PPID SID ETIME ARGS` of ps, without clients of batch jobs and without children of clients."""
    rows = [match for row in lines if (match := _CLIENT.fullmatch(row))]
    pids = {int(row[1]) for row in rows}
    return tuple(
        Client(int(row[1]), int(row[2]), int(row[3]), age_s, row[5])
        for row in rows
        if int(row[2]) not in pids and (age_s := parse_duration(row[4])) is not None and _is_interactive(row[5])
    )


_CLIENT = re.compile(r"client\s+([0-9]{1,10})\s+([0-9]{1,10})\s+([0-9]{1,10})\s+([0-9:-]{4,20})\s+(\S.*)", re.DOTALL)


def _is_interactive(command: str) -> bool:
    """True if the process stays for the terminal of its own job.

    qsub also stays for `-W block=true`, and as a daemon of OpenPBS; bsub for `-K`. `oarsub -C JOB` and
    condor_ssh_to_job go into any job.
    """
    return all(re.search(needs, command) for program, needs in _NEEDS.items() if re.search(program, command))


_NEEDS = {
    "qsub|oarsub": r"\s(-[A-Za-z]*I|--int)",
    r"(^|/)bsub\s": r"^\S*(?!(\s+-\S+(\s+[^-\s]\S*)?)*\s+-K(\s|$))\s",  # among the options before the job's own words
    "condor_submit": r"\s--?i",
    "condor_ssh_to_job": r"\s-remove-on-interrupt\s",
}


def parse_ports(lines: Iterable[str]) -> dict[int, int]:
    """Return port -> pid from rows `port PID PORT`, the port in hexadecimal as in /proc/net/tcp."""
    rows = (re.fullmatch(r"port ([0-9]{1,10}) ([0-9A-F]{4})", row) for row in lines)
    return {int(row[2], 16): int(row[1]) for row in rows if row}


def parse_numbers(lines: Iterable[str]) -> dict[int, JobId]:
    """Return pid -> the number of its job from rows `number PID JOB`."""
    rows = (re.fullmatch(r"number ([0-9]{1,10}) (\S{1,300})", row) for row in lines)
    return {int(row[1]): job for row in rows if row and (job := JobId.parse(row[2]))}


def parse_places(lines: Iterable[str]) -> dict[int, PaneId]:
    """Return pid -> the tmux pane in its environment from rows `pane PID %N`."""
    rows = (re.fullmatch(r"pane ([0-9]{1,10}) (%[0-9]{1,10})", row) for row in lines)
    return {int(row[1]): PaneId(row[2]) for row in rows if row}


def jobs_of(
    parse: Callable[[Iterable[str], int], tuple[Asked, ...]],
    reply: Reply,
    host: str,
    now: int | None,
) -> tuple[Job, ...]:
    """Return the jobs that are proved to be of interactive clients on `host`; `parse` reads the scheduler's answer."""
    clients = parse_clients(reply.get("clients", ()))
    if not clients or now is None:
        return ()
    return adopted(parse(reply.get("jobs-of-clients", ()), now), clients, reply.get("evidence", ()), host, now)


def named_jobs_of(
    parse: Callable[[Iterable[str], int], tuple[Asked, ...]],
    reply: Reply,
    _host: str,
    now: int | None,
    *,
    are_older: bool = False,
) -> tuple[Job, ...]:
    """Return the jobs that clients name in their command lines (rows `number`), and no others.

    `are_older`: any younger process may name that job, too, so only one that is older than the job is its client.
    """
    clients = parse_clients(reply.get("clients", ()))
    if not clients or now is None:
        return ()
    jobs = {asked.job.id: asked.job for asked in parse(reply.get("jobs-of-clients", ()), now)}
    numbers = parse_numbers(reply.get("evidence", ()))
    named = ((client, jobs[numbers[client.pid]]) for client in clients if numbers.get(client.pid) in jobs)
    return tuple(
        _of_client(job, client.sid, now - client.age_s)
        for client, job in named
        if not are_older or (job.submitted is not None and job.submitted + EARLY_S >= now - client.age_s)
    )


def adopted(
    asked: Sequence[Asked], clients: Sequence[Client], evidence: Iterable[str], host: str, now: int
) -> tuple[Job, ...]:
    """Return the jobs that are proved to belong to clients on `host`.

    Each has the session id of its client and the time of the client's start, by the login node's clock.
    """
    here = [one for one in asked if one.job.submit_host in ("", short_host(host))]
    rows = tuple(evidence)
    numbers = parse_numbers(rows)
    proved = _by_port(here, parse_ports(rows)) | _by_number(asked, numbers)  # a number needs no name of a host
    proved |= _by_pane(here, parse_places(rows), {client.pid: now - client.age_s for client in clients})
    known = {job.id for job in proved.values()}
    rest = [one for one in here if not one.port and one.job.id not in known]
    timely = _by_time(rest, [client for client in clients if client.pid not in proved], now)
    proved |= {pid: job for pid, job in timely.items() if pid not in numbers}  # which name another job, or none
    return tuple(
        _of_client(proved[client.pid], client.sid, now - client.age_s) for client in clients if client.pid in proved
    )


def _of_client(job: Job, sid: int, started: int) -> Job:
    """Return the job of a client, its free text cut: squeue cuts Slurm's, these schedulers send text of any length."""
    nodes, reason, name = (
        text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..." for text in (job.nodes, job.reason, job.name)
    )
    return job._replace(sid=sid, submitted=started, nodes=nodes, reason=reason, name=name)


_LONGEST = 400  # characters


def _by_port(asked: Sequence[Asked], ports: Mapping[int, int]) -> dict[int, Job]:
    return {ports[one.port]: one.job for one in asked if one.port and one.port in ports and one.job.submit_host}


def _by_number(asked: Sequence[Asked], numbers: Mapping[int, JobId]) -> dict[int, Job]:
    jobs = {one.job.id: one.job for one in asked}
    return {pid: jobs[number] for pid, number in numbers.items() if number in jobs}


def _by_pane(asked: Sequence[Asked], places: Mapping[int, PaneId], starts: Mapping[int, int]) -> dict[int, Job]:
    """Return client's pid -> job. Two servers of tmux may have a pane of that number: then it proves nothing.

    A job from long before the client is an earlier client's of the same pane. If a job does not tell its host, which
    may have another login node's pane of that number, its time has to fit, too.
    """
    often = Counter(one.pane for one in asked if one.pane) + Counter(places.values())
    jobs = {one.pane: one for one in asked if one.pane and often[one.pane] == len(("job", "client"))}
    found = {pid: jobs[pane] for pid, pane in places.items() if pane in jobs and pid in starts}
    return {pid: one.job for pid, one in found.items() if _may_be_of(one, starts[pid])}


def _may_be_of(one: Asked, started: int) -> bool:
    """True if the client that started then may have submitted this job of its pane."""
    if not one.job.submit_host:
        return started in _just_before(one)
    return one.job.submitted is not None and one.job.submitted > started - _CLOCKS_DIFFER_S


_CLOCKS_DIFFER_S = 300


def _by_time(asked: Sequence[Asked], clients: Sequence[Client], now: int) -> dict[int, Job]:
    """Return client's pid -> job; none if two clients share the only one in their time: the clocks differ."""
    starts = Counter(now - client.age_s for client in clients)
    near: dict[int, list[Job]] = {}  # by the second in which a client has started
    times: Counter[str] = Counter()  # how many clients there are for a job
    for one in asked:
        for second in filter(starts.__contains__, _just_before(one)):
            near.setdefault(second, []).append(one.job)
            times[one.job.id] += starts[second]
    if not _suffices([_just_before(one) for one in asked], starts.elements()):
        return {}
    found = {client.pid: near[now - client.age_s] for client in clients}
    return {pid: jobs[0] for pid, jobs in found.items() if len(jobs) == 1 and times[jobs[0].id] == 1}


def _suffices(windows: Iterable[range], starts: Iterable[int]) -> bool:
    """True if each second in `starts` can have a window of its own: the one that is over first of those around it."""
    later, over = sorted(windows, key=lambda window: window.start, reverse=True), list[int]()
    for second in sorted(starts):
        while later and later[-1].start <= second:
            heappush(over, later.pop().stop)
        while over and over[0] <= second:
            heappop(over)
        if not over:
            return False
        heappop(over)
    return True


def _just_before(one: Asked) -> range:
    """Return the seconds in which the client of a job can have started."""
    submitted = one.job.submitted
    return range(0) if submitted is None else range(submitted - SOON_S, submitted + EARLY_S + one.grain_s)


def parse_date(text: str, now: int) -> int | None:
    """Return the epoch seconds of `[Mon] Nov 23 00:55[:12] [2026]` in UTC, as ctime(3) and bjobs print it, else None.

    Without a year (LSF) the date is the last such day that is not after `now`, with a day of leeway for the clocks.
    """
    match = _DATE.fullmatch(text)
    if match is None or match[1] not in _MONTHS:
        return None
    year = int(match[6] or datetime.fromtimestamp(now + _DAY_S, UTC).year)
    found = _epoch(year, match)
    if match[6] is None and (found is None or found > now + _DAY_S):
        return _epoch(year - 1, match)  # a Feb 29 of this January is last year's
    return found


def _epoch(year: int, match: re.Match[str]) -> int | None:
    day, hour, minute, second = (int(part or 0) for part in match.group(2, 3, 4, 5))
    try:
        return int(datetime(year, _MONTHS.index(match[1]) + 1, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError:  # a day that this year does not have
        return None


def parse_iso(text: str) -> int | None:
    """Return the epoch seconds of `2026-11-29 17:24:33` in UTC, also with a T; None for any other text."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:  # a day that this year does not have
        return None


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")
_DAY_S = 86400
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    r"(?:[A-Z][a-z]{2} +)?([A-Z][a-z]{2}) +([0-9]{1,2}) +([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?(?: +([0-9]{4}))?"
)
