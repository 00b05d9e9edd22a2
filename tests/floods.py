"""Answers as long as lnode takes them, made to cost as much as they can: run as a program, with the name of one.

It prints the seconds of CPU and the MiB of memory that the answer has cost.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from math import ceil

NONCE = "lnode-0123456789abcdef"
LONGEST = (4 << 20) - 4096  # with room for the frame
MOST = 12_000 - 20
ROW = (1 << 19) - 1
LIMIT_S = 4  # of CPU: the dearest takes 0.8 s where this was measured; the square of the longest answer takes minutes

ASKED_AT = "    ctime = Tue Nov 14 22:13:10 2023"  # when its client has started
PBS = ("Job Id: 1.s", "    job_state = Q", "    interactive = True", ASKED_AT, "    comment = Not Running: ")
OAR = ("Job_Id: 1", "    state = Waiting", "    jobType = INTERACTIVE", "    submissionTime = 2023-11-14 22:13:10")
WIDTHS = (24, 16, 4, 24, 20, 24, 24, 80, 400, 160, 80)  # of slurm.WIDTHS


def pane(session: int, pid: int) -> str:
    return f"${session} 1 1 1 {pid} %{pid} f k o e w t x"


def job(number: int, sid: int, host: str = "login1", batch: str = "0") -> str:
    words = (number, sid, batch, 1_699_999_990, "RUNNING", "1:00", "", host)
    return "".join(str(word).ljust(width) for word, width in zip(words, WIDTHS, strict=False)).rstrip()


def wide(rows: int, row: str) -> list[str]:
    """So many rows, with text behind that fills the answer."""
    return [row + "x" * (LONGEST // rows - len(row) - 1)] * rows


def long(head: str, text: str) -> list[str]:
    """Rows as long as one may be, as many as there may be."""
    row = head + text * ((ROW - len(head)) // len(text))
    return [row] * (LONGEST // ROW)


def by(names: str, *rows: str) -> dict[str, Sequence[str]]:
    """The sections of an answer of a scheduler with such clients."""
    scheduler, _, client = names.partition(" ")
    return {
        "scheduler": [scheduler],
        "clients": [f"client 5 4 4 00:10 {client}"],
        "jobs-of-clients": rows,
        "panes": [pane(1, 4)],
    }


def sge_jobs() -> Iterator[str]:
    for n in range(MOST // 4):
        yield f"<JB_job_number>{n}</JB_job_number>"
        yield "<state>qw</state>"
        yield f"job_number: {n}"
        yield f"env_list: QRSH_PORT=h:{n % 65536}"


third = MOST // 3
SECTIONS: Mapping[str, Callable[[], Mapping[str, Sequence[str]]]] = {
    "pbs comment in pieces": lambda: by("pbs qsub -I", *PBS, *wide(MOST, "\t")),
    "pbs comment in a row": lambda: by("pbs qsub -I", *PBS[:-1], *long("    comment = ", "launch failed ")),
    "pbs jobs": lambda: by("pbs qsub -I", *islice(cycle(PBS), MOST)),
    "pbs variables": lambda: by("pbs qsub -I", *PBS, *long("    Variable_List = ", "PBS_O_HOST")),
    "pbs names": lambda: by("pbs qsub -I", *PBS, *long("    ", "a.")),
    "sge jobs": lambda: by("sge qrsh", *sge_jobs()),
    "sge reason": lambda: by("sge qrsh", *islice(sge_jobs(), 4), *long("scheduling_info: ", 'queue instance "')),
    "sge words": lambda: by("sge qrsh", *long("", "a ")),
    "sge elements": lambda: by("sge qrsh", *long("<a>", "<a>")),
    "oar jobs": lambda: by("oar oarsub -I", *islice(cycle(OAR), MOST)),
    "oar message": lambda: by("oar oarsub -I", *OAR, *long("    message = R=1,W=1:0:0,", " (a")),
    "oar request": lambda: by("oar oarsub -I", *OAR, *long("    wanted_resources = ", "walltime=1:")),
    "oar hosts": lambda: by("oar oarsub -I", *OAR, *long("    assigned_hostnames = ", "h+")),
    "htcondor jobs": lambda: by(
        "htcondor condor_submit -i", "[", *['{"ClusterId": 1, "ProcId": 0, "JobStatus": 1},'] * (MOST - 3), "{}]"
    ),
    "htcondor numbers": lambda: by("htcondor condor_submit -i", "[", *long('{"QDate": ', "9")),
    "flux jobs": lambda: by("flux flux-job", *(f"0x{n:x}|RUN|16|1700000000.1|1|1|a||n" for n in range(MOST))),
    "flux names": lambda: by("flux flux-job", *long("0x1|RUN|16|1700000000.1|1|1|", "a|")),
    "lsf jobs": lambda: by("lsf bsub", *(f"{n}|RUN|login1|Nov 23 00:55|71:59 L|4*a:b|n" for n in range(MOST))),
    "lsf spaces": lambda: by("lsf bsub", *long("1|RUN|login1|Nov 23 00:55|", " ")),
    "lsf hosts": lambda: by("lsf bsub", *long("1|RUN|login1|Nov 23 00:55|71:59 L|", "4*h:")),
    "clients and jobs": lambda: {
        **by("lsf bsub", *(f"{n}|RUN|login1|Nov 14 22:13|71:59 L|a|n" for n in range(MOST // 2))),
        "clients": [f"client {n + 9} 4 4 00:10 bsub -Is" for n in range(MOST // 2)],
    },
    "panes of a session": lambda: {"panes": [pane(1, n) for n in range(MOST)]},
    "sessions": lambda: {"panes": [pane(n, n) for n in range(MOST)]},
    "sessions, processes, jobs": lambda: {
        "panes": [pane(n, n + 1) for n in range(third)],
        "processes": [f"{n + 1} {n} {n + 1} 00:10 sh" for n in range(third)],
        "jobs": [job(n, n + 1, batch="1") for n in range(third)],
    },
    "jobs of a pane": lambda: {
        "panes": [pane(1, 7)],
        "processes": [f"{n + 1} {n} 7 00:10 sh" for n in range(MOST // 2)],
        "jobs": [job(n, 7, batch="1") for n in range(MOST // 2)],
    },
    "processes in a chain": lambda: {
        "panes": [pane(1, 1)],
        "processes": [f"{n + 1} {n} {n} 00:10 srun" for n in range(MOST)],
    },
    "tmux in tmux": lambda: {
        "panes": [pane(n, n) for n in range(100)],
        "processes": ["1 1 1 00:10 sh"],
        "origins": [
            row for n in range(MOST // 3 - 100) for row in (f"pid {n}", f"TMUX=a,{n + 1},b", "TMUX_PANE=%1")
        ],
    },
    "jobs from everywhere": lambda: {"jobs": [job(n, n, f"h{n}") for n in range(MOST)]},
    "login nodes": lambda: {"nodes": [f"n{n} 22 a" for n in range(MOST)]},
    "names on a login node": lambda: {"nodes": [f"n 22 a{n}" for n in range(MOST)]},
    "who": lambda: {"panes": [pane(1, 1)], "who": long("u pts/1 ", "(" + "x" * 199)},
    "marks": lambda: {"marks": long("@lnode_run_", "x ")},
    "numbers": lambda: {"processes": long("", "1"), "panes": [pane(1, 1)]},
    "runs": lambda: {
        "runs": [f"r{n} {n:016x} ended h 1 1699999990 1699999999 0 - - " + "c" * 250 for n in range(MOST)]
    },
    "screens": lambda: {
        "panes": [pane(n, n) for n in range(600)],
        "screens": [
            row
            for n in range(600)
            for row in (f"%{n} c0 a0 t1 x", *["|" + "1. > " * 80] * 12, "|❯ 1. Yes", "|  2. No", "|" + "1. > " * 80)
        ],
    },
    "spaces of screens": lambda: {
        "panes": [pane(n, n) for n in range(600)],
        "screens": [row for n in range(600) for row in (f"%{n} c0 a0 t1 x", *["|" + " " * 399 + "x"] * 13)],
    },
    "rows of a screen": lambda: {
        "panes": [pane(1, 1)], "screens": ["%1 c0 a0 t1 x", *["|" + "> " * 300] * (MOST // 2)],
    },
    "titles": lambda: {"panes": [pane(1, 1)], "screens": long("%1 c0 a0 t1 ", "x ")},
    "words": lambda: {"panes": long("", "$1 ")},
}  # fmt: skip


def whole(sections: Mapping[str, Sequence[str]]) -> bytes:
    """The answer as list.sh would frame it."""
    rows = []
    for name, lines in {"host": ["login1", "1700000000", "22"], **sections, "end": []}.items():
        rows += [f"{NONCE} {name}", *lines]
    return "\n".join([*rows, ""]).encode()


def read(answer: bytes) -> None:
    """Do what --ls does with it, but for printing."""
    from lnode.cluster import sessions
    from lnode.commands.ls import table
    from lnode.commands.ls.document import document
    from lnode.locate.known_agents import with_agents
    from lnode.remote.reply import parse_reply, rows_of
    from lnode.runs import record

    reply = parse_reply(NONCE, rows_of(NONCE, answer))
    assert "end" in reply
    picture = with_agents(sessions.picture_of(reply))
    view = table.View("unity", (picture,), runs=record.of_replies([reply]))
    table.table([view], all_columns=True, with_host=True)
    table.notes([view])
    document(view)


def main() -> None:
    from lnode.locate.known_agents import known_agents
    from lnode.schedulers import known  # noqa: F401 - loaded before it counts

    known_agents()

    before = peak_mib()
    answer = whole(SECTIONS[sys.argv[1]]())
    assert len(answer) <= 4 << 20
    began = time.process_time()
    # What takes the square of the answer is ended, not waited for.
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(began) + LIMIT_S, resource.RLIM_INFINITY))
    read(answer)
    print(f"{time.process_time() - began:.2f} {peak_mib() - before:.0f}")


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main()
