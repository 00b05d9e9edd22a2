"""Slurm's squeue: the fields that lnode asks for, and their meaning.

Text, never `--json`, whose schema changes with nearly every release. `-O field:width` exists since 14.11 and cuts
silently, so widths are generous and the job's name, which may hold anything, comes last. Times are epoch seconds
because slurm.sh sets SLURM_TIME_FORMAT=%s. Slurm keeps the session id of the process that asked.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest

from lnode.remote.fields import JobId, epoch, number
from lnode.remote.reply import Reply
from lnode.schedulers.job import Job, parse_duration, short_host
from lnode.schedulers.scheduler import Scheduler

WIDTHS = {
    "jobid": 24, "allocsid": 16, "batchflag": 4, "submittime": 24, "state": 20, "timeleft": 24,
    "starttime": 24, "allocnodes": 80, "nodelist": 400, "reason": 160, "name": 80,
}  # fmt: skip


def parse_jobs(lines: Iterable[str]) -> tuple[Job, ...]:
    """Read `squeue` as slurm.sh asks it: `-h -O WIDTHS`; a line without a job number and a session id is skipped."""
    return tuple(job for row in lines if (job := _parse_job(row)) is not None)


def _parse_job(row: str) -> Job | None:
    value, start = {}, 0
    for field, width in WIDTHS.items():
        value[field] = row[start : start + width].strip()
        start += width
    id_, sid = JobId.parse(value["jobid"]), number(value["allocsid"])
    if id_ is None or sid is None:
        return None
    return Job(
        id=id_,
        sid=sid,
        submitted=epoch(value["submittime"]),
        state=value["state"],
        left=value["timeleft"],
        left_s=parse_duration(value["timeleft"]),
        submit_host=short_host(value["allocnodes"]),
        nodes="" if value["nodelist"] in ("(null)", "n/a", "None") else value["nodelist"],
        reason="" if value["reason"] == "None" else value["reason"],
        name=value["name"],
        starts=epoch(value["starttime"]) if value["state"] == "PENDING" else None,
        is_batch=bool(number(value["batchflag"])),  # slurmctld counts it up at each requeue
    )


_SPELLING = {
    "mem": "--mem={}", "time": "--time={}", "partition": "--partition={}", "gpus": "--gres=gpu:{}",
    "cpus": "--cpus-per-task={}",
}  # fmt: skip
# srun(1) and salloc(1): options that take no value, or only one behind `=`.
_ALONE = re.compile(
    r"-[EHIKOQXZklsuv]|--(?:bell|contiguous|disable-status|exact|exclusive|get-user-env|hold|immediate|interactive"
    r"|kill-command|kill-on-bad-exit|label|multi-prog|no-allocate|no-bell|no-kill|no-shell|overcommit|oversubscribe"
    r"|preserve-env|propagate|quiet|quit-on-interrupt|reboot|spread-job|test-only|unbuffered|use-min-nodes|verbose"
    r"|whole|x11)"
)
_REQUESTERS = frozenset(("salloc", "srun"))
_NOTHING_MORE = ("--ntasks=1",)  # as salloc asks by itself
_PLAIN = re.compile(r"[A-Za-z0-9_+@%=,./:-]+")


def estimated(words: Mapping[str, str], command: str) -> tuple[str, ...] | None:
    """Return the words of srun for a request. A site's program takes the `words`; salloc and srun have all their own.

    A number of megabytes gets its unit. None if a word is not plain, if a site's program is told more than the `words`
    (another account has no spelling of its own here), or for another cluster, whose jobs are not listed here.
    """
    program, *own = command.split()
    if program.rpartition("/")[2] in _REQUESTERS:
        found = _options(own)
        if any(map(_OF_A_CLUSTER.match, found)):
            return None
    elif _tells_more(own, {*words.values()}):
        return None
    else:
        found = [_SPELLING[name].format(word) for name, word in words.items() if name in _SPELLING]
        found = [f"{word}M" if re.fullmatch(r"--mem=\d+", word) else word for word in found]
    return tuple(found) or _NOTHING_MORE if all(map(_PLAIN.fullmatch, found)) else None


def _options(words: Sequence[str]) -> list[str]:
    """Return the options before the program that salloc or srun starts; `-t 1:00:00` are two words, `--pty` is none."""
    found: list[str] = []
    for word in words:
        takes_value = bool(found) and _takes_value(found[-1])
        if not word.startswith("-") and not takes_value:
            break
        if not _NOT_ASKED.fullmatch(word):
            found.append(word)
    return found


# What has no meaning without a job, or what srun does not know of salloc's.
_NOT_ASKED = re.compile(r"--(?:pty|overlap|bell|no-bell|no-shell|kill-command)(?:=.*)?")
_OF_A_CLUSTER = re.compile(r"-M|--clusters?(=|$)")


def _tells_more(own: Sequence[str], values: Collection[str]) -> bool:
    """True if there are other words than options with these values: `-m 4000M`, `-m4000`, `--gres=gpu:1`."""
    value = rf"({'|'.join(map(re.escape, values)) or '(?!)'})[A-Za-z]{{0,2}}"
    alone, behind = re.compile(value), re.compile(rf"(-[A-Za-z]|--[a-z0-9-]+=([a-z]+:)*){value}")
    return not all(
        alone.fullmatch(word) or behind.fullmatch(word) or (word.startswith("-") and alone.fullmatch(after))
        for word, after in zip_longest(own, own[1:], fillvalue="")
    )


def _takes_value(option: str) -> bool:
    return re.fullmatch(r"-[A-Za-z]|--[a-z0-9-]+", option) is not None and _ALONE.fullmatch(option) is None


def _jobs_of(reply: Reply, _host: str, _now: int | None) -> tuple[Job, ...]:
    return parse_jobs(reply.get("jobs", ()))


def _explain(reason: str) -> str:
    from lnode.schedulers.slurm_reasons import explain  # only for a job that waits

    return explain(reason).text


SCHEDULER = Scheduler(
    _jobs_of,
    title="Slurm",
    request="salloc --mem={mem}M --time={time} srun --pty bash -l",
    asks="--mem={mem}M --time={time}",
    words="--partition={partition} --gres=gpu:{gpus}",
    listing="squeue -u",
    cancel="scancel",
    harmless=re.compile(r"already complet|Invalid job id"),
    requesters=frozenset(("salloc", "srun")),
    leads_to={"srun": re.compile(r"--jobid[= ](\d{1,10})(?!\S)"), "sattach": re.compile(r" (\d{1,10})\.\S")},
    step="srun",
    estimated=estimated,
    explain=_explain,
)
