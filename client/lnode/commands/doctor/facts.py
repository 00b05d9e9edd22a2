"""Facts from the laptop and from remote/doctor.sh: words by name. A missing fact is unknown and gives no finding."""

from collections.abc import Callable, Iterable, Mapping

from lnode.remote.fields import Word, number

Facts = Mapping[str, str]


def parse_facts(rows: Iterable[str]) -> dict[str, str]:
    """Read the rows `NAME VALUE` of doctor.sh: only facts about the host, and only with values that fit.

    Other rows are skipped, so that a host cannot write findings about this laptop.
    """
    told = ((name, value.strip()) for name, _, value in (row.partition(" ") for row in rows))
    return {name: value for name, value in told if name in _OF_HOST and _OF_HOST[name](value)}


def _is_number(value: str) -> bool:
    """True for a whole number, also for the -12 that df prints for an exceeded quota."""
    return number(value.removeprefix("-"), _LARGEST) is not None


def _is_word(value: str) -> bool:
    return Word.parse(value) is not None


def _is_text(value: str) -> bool:
    """True for a text short enough for a sentence. It must not be part of a command."""
    return len(value) <= _LONGEST


_LONGEST = 300  # as doctor.sh cuts it
_LARGEST = 10**18 - 1
_OF_HOST: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(
        ("now", "max_sessions", "login_s", "tmout", "cpu_limit_s", "tmux_lost", "home_free_kb", "home_free_files",
         "restarts"),
        _is_number,
    ),
    **dict.fromkeys(
        ("kill_user_processes", "login_unfinished", "utf8", "tmux_missing", "ticket_ended", "over_quota",
         "no_scheduler", "no_poster", "overlap", "term_unknown", "scheduler_silent",
         "destroy_unattached", "exit_unattached", "scheduler_by_login", "stop_idle", "batch"),
        _is_word,
    ),
    **dict.fromkeys(
        ("noise", "rc_program", "tmux_version", "agent_dead", "their_prefix", "home_closed", "home_readonly",
         "node_refused", "command_missing", "tmux_refuses", "state_distrusted", "state_link"),
        _is_text,
    ),
}  # fmt: skip


def number_in(facts: Facts, name: str) -> int | None:
    word = facts.get(name, "")
    found = number(word.removeprefix("-"), _LARGEST)
    return -found if found is not None and word.startswith("-") else found
