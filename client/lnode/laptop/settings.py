"""config.toml -> frozen records: the command with which each host or profile requests its allocation.

The file is optional. Later wins: lnode's defaults, `[hosts.ALIAS]`, `[profiles.NAME]` (-P), the words of the
command line.
"""

import os
import re
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

from lnode.errors import ExitCode, LnodeError, Page

DEFAULT_COMMAND = "sinteractive -m {mem} -t {time}"

# sinteractive's option for each word; used if the default command has no place for a word that you typed.
_SPELLING = {"mem": "-m", "time": "-t", "partition": "-p", "gpus": "-g", "cpus": "-c"}
_PLACE = re.compile(r"\{(" + "|".join(_SPELLING) + r")\}")
# A word becomes part of a command that the login shell reads: no character that any shell would interpret.
_WORD = re.compile(r"[A-Za-z0-9_+@%=,./:][A-Za-z0-9_+@%=,./:-]*")

_DURATION = r"(?=.*[1-9])(\d+[smhdw]?)+|yes|no"  # sshd_config(5), TIME FORMATS

PLACES = ("login", "node")

_KEEP = re.compile(r"([1-9][0-9]{0,2}) ?(h|hours?|d|days?|w|weeks?)")
_KEEP_UNITS_S = {"h": 3600, "d": 86400, "w": 7 * 86400}
_KEEP_MOST_S = 366 * 86400
NOT_KEPT = "no"

# https, or http on the login node itself; no name, password or query, and nothing that a shell could misread.
_PUSH = (
    r"(?:https://[A-Za-z0-9][A-Za-z0-9.-]{0,250}|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~-]{0,100}){0,8}"
)
_ADDRESS = r"(?!-)[A-Za-z0-9.-]*\{node\}[A-Za-z0-9.-]*"


class HostSettings(NamedTuple):
    """The settings of one host. The words `mem` to `cpus` fill `{mem}` to `{cpus}` of `command`; None is not set.

    `keep_warm` is how long a sign-in stays open for what follows, as ControlPersist takes it, or `no`. `login_nodes` is
    the address of a login node that the laptop can reach by itself, with {node} for its name. `cwd` is the folder there
    in which sessions and runs start, "" for the home. Some sites refuse requests from the home (the clusters of the
    Digital Research Alliance of Canada). `where` is "login" or "node": the machine on which a new session has its tmux.
    `keep` is how long a session on its node goes on in one allocation after the other, or "no"; `resume` is the command
    that goes on in the next one with what ran in a pane, or "". `push` is the URL to which the cluster sends messages
    for your phone, "" for none; `push_question` is "yes" if they show the question of an agent.
    """

    session: str = "livenode"
    command: str = DEFAULT_COMMAND
    mem: str | None = "48000"
    time: str | None = "72:00:00"
    partition: str | None = None
    gpus: str | None = None
    cpus: str | None = None
    tmux: str = ""
    keep_warm: str | None = None
    login_nodes: str = ""
    cwd: str = ""
    where: str = "login"
    keep: str = NOT_KEPT
    resume: str = ""
    push: str = ""
    push_question: str = "no"

    def filled(self) -> str:
        """Return the command as the login shell will read it. Raises LnodeError(USAGE) for a word that does not fit."""
        words = {name: getattr(self, name) for name in _SPELLING}
        for name, word in words.items():
            if word is not None and not _WORD.fullmatch(word):
                raise LnodeError(
                    ExitCode.USAGE, f"{name} cannot be {word!r}", "use letters, digits and _ + @ % = , . / : - only"
                )
        command = self.command
        if command == DEFAULT_COMMAND:
            places = _PLACE.findall(command)
            command += "".join(f" {_SPELLING[n]} {{{n}}}" for n in _SPELLING if words[n] and n not in places)
        missing = [name for name in _PLACE.findall(command) if words[name] is None]
        if missing:
            raise LnodeError(
                ExitCode.USAGE,
                f"the command asks for {{{missing[0]}}}, which is not set",
                f"add {missing[0]} = ... to config.toml, or {_SPELLING[missing[0]]} on the command line",
            )
        return _PLACE.sub(lambda place: words[place[1]] or "", command)

    def words(self) -> dict[str, str]:
        """Return the words of the request that are set."""
        found = ((name, getattr(self, name)) for name in _SPELLING)
        return {name: word for name, word in found if word is not None}

    def with_words(self, *, where: str | None = None, **words: str | None) -> "HostSettings":
        """Return the settings with some words of the request replaced, or its place; None leaves a word as it is.

        A configured command must have a place for each word, because sites spell them differently; else
        LnodeError(USAGE). The default command grows by each word without a place (`-g 1`).
        """
        if where is not None and where not in PLACES:
            raise LnodeError(ExitCode.USAGE, f"--where cannot be {where!r}", "it is one of: login, node")
        given = {name: word for name, word in {**words, "where": where}.items() if word is not None}
        homeless = [name for name in _SPELLING if name in given and name not in _PLACE.findall(self.command)]
        if homeless and self.command != DEFAULT_COMMAND:
            name = homeless[0]
            raise LnodeError(
                ExitCode.USAGE,
                f"the configured command has no {{{name}}} for {_SPELLING[name]}",
                f"put {{{name}}} into it in config.toml: {self.command}",
                page=Page.SETTINGS,
            )
        return self._replace(**given)


def kept_s(word: str) -> int | None:
    """Read the time of `keep` as seconds: "3 weeks", "10 days", "12h"; 0 for "no". None for others, or over a year."""
    match = _KEEP.fullmatch(word)
    seconds = int(match[1]) * _KEEP_UNITS_S[match[2][0]] if match else 0
    return seconds if word == NOT_KEPT or 0 < seconds <= _KEEP_MOST_S else None


class Settings(NamedTuple):
    """All of config.toml: host alias -> its settings, profile -> the keys that it sets.

    `agents` are its tables about agents as they stand in the file.
    """

    path: str
    hosts: Mapping[str, HostSettings]
    profiles: Mapping[str, Mapping[str, str]]
    agents: Mapping[str, Mapping[str, object]] = MappingProxyType({})

    def of_host(self, alias: str, profile: str | None = None, **words: str | None) -> HostSettings:
        """Return the settings of a host under a profile, with the words of its request replaced.

        Raises LnodeError(USAGE) for a profile that is not there, or a word that does not fit.
        """
        settings = self.hosts.get(alias, HostSettings())
        return (settings if profile is None else self._under(profile, settings)).with_words(**words)

    def _under(self, profile: str, settings: HostSettings) -> HostSettings:
        if profile not in self.profiles:
            known = ", ".join(self.profiles) or "none yet"
            hint = f"profiles in {self.path}: {known}"
            raise LnodeError(ExitCode.USAGE, f"there is no profile {profile!r}", hint, page=Page.SETTINGS)
        keys = self.profiles[profile]
        words = {name: word for name, word in keys.items() if name in _SPELLING}
        others = {name: value for name, value in keys.items() if name not in _SPELLING}
        return settings._replace(**others).with_words(**words)


def config_path() -> str:
    """Return the path of config.toml: $LNODE_CONFIG, else in the platform's folder for configuration."""
    if named := os.environ.get("LNODE_CONFIG"):
        return named
    if sys.platform == "linux":  # as platformdirs says, without the 10 ms of its import on the way to ssh
        home = os.environ.get("XDG_CONFIG_HOME", "")  # a relative one does not count (XDG Base Directory Specification)
        return f"{home if os.path.isabs(home) else os.path.expanduser('~/.config')}/lnode/config.toml"
    from platformdirs import user_config_path

    return str(user_config_path("lnode") / "config.toml")


def as_key(name: str) -> str:
    """Return a name as you write it in config.toml: in quotes, unless it needs none (TOML 1.0, Keys)."""
    import json

    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def load(path: str | None = None) -> Settings:
    """Read config.toml; a missing file is an empty one. Raises LnodeError(USAGE) that names file, line and key."""
    path = path or config_path()
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read().removeprefix("\ufeff")  # some editors of Windows begin with it
    except FileNotFoundError:
        return Settings(path, {}, {})
    except (OSError, UnicodeDecodeError) as error:
        raise LnodeError(ExitCode.USAGE, f"cannot read {path}: {error}", "fix the file or move it away") from None
    return _parse(text, path)


def _parse(text: str, path: str) -> Settings:
    import tomllib

    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also a number of 5000 digits, or 3000 brackets
        said, hint = f"{path}: {_lower(str(error))}", 'in TOML, write: key = "text"'
        raise LnodeError(ExitCode.USAGE, said, hint, page=Page.SETTINGS) from None
    for name in tables:
        if name in ("hosts", "profiles", "agents"):
            continue
        hint = "tables are [hosts.ALIAS], [profiles.NAME] and [agents.NAME]"
        _refuse(text, path, (name,), "is not a table that lnode knows", hint)
    hosts = {name: HostSettings(**keys) for name, keys in _words(tables, "hosts", text, path)}
    profiles = dict(_words(tables, "profiles", text, path))
    return Settings(path, hosts, profiles, _tables(tables, "agents", text, path))


def _tables(tables: Mapping[str, Any], kind: str, text: str, path: str) -> dict[str, dict[str, Any]]:
    group = tables.get(kind, {})
    if not isinstance(group, dict):
        _refuse(text, path, (kind,), "is not a table", f"write [{kind}.NAME] and keys below it")
    for name, table in group.items():
        if not isinstance(table, dict):
            _refuse(text, path, (kind, name), "is not a table", f"write [{kind}.{name}] and keys below it")
    return group


def _words(tables: Mapping[str, Any], kind: str, text: str, path: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (name, {key: _value(key, value, text, path, (kind, name, key)) for key, value in table.items()})
        for name, table in _tables(tables, kind, text, path).items()
    ]


def _value(key: str, value: object, text: str, path: str, where: tuple[str, ...]) -> str:
    if key not in HostSettings._fields:
        known = ", ".join(HostSettings._fields)
        _refuse(text, path, where, "is not a key that lnode knows", f"keys are {known}")
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(text, path, where, "must be text or a whole number", f'as in: {key} = "..."')
    word = str(value)
    if key == "command" and not word.strip():
        _refuse(
            text, path, where, "must not be empty", "for a session without an allocation: lnode HOST SESSION --login"
        )
    if key == "keep_warm" and not re.fullmatch(_DURATION, word):
        _refuse(text, path, where, "must be a time", 'as in: keep_warm = "30m", or "no"')
    if key == "where" and word not in PLACES:
        _refuse(text, path, where, "must be login or node", 'as in: where = "node"')
    if key == "keep" and kept_s(word) is None:
        _refuse(text, path, where, "must be a time", 'as in: keep = "3 weeks", or "no"')
    if key == "login_nodes" and not re.fullmatch(_ADDRESS, word):
        _refuse(text, path, where, "must be an address with {node}", 'as in: login_nodes = "{node}.example.edu"')
    if key == "push" and word and not re.fullmatch(_PUSH, word):
        _refuse(text, path, where, "must be an https address", 'as in: push = "https://ntfy.sh/your-own-topic"')
    if key == "push_question" and word not in ("yes", "no"):
        _refuse(text, path, where, "must be yes or no", 'as in: push_question = "yes"')
    if not word.isprintable():
        hint = "put longer work into a script on the cluster"
        _refuse(text, path, where, "must be one line without control characters", hint)
    return word


def _refuse(text: str, path: str, where: tuple[str, ...], fault: str, hint: str) -> NoReturn:
    line = _line_of(text, where)
    raise LnodeError(ExitCode.USAGE, f"{path}, line {line}: {'.'.join(where)} {fault}", hint, page=Page.SETTINGS)


def _line_of(text: str, where: tuple[str, ...]) -> int:
    """Return the line of a key, because tomllib keeps none: below its table's header, else anywhere, else its table."""
    rows = text.splitlines()
    header = re.compile(r"\s*\[\s*" + r"\s*\.\s*".join(map(_spelled, where[:-1])) + r"\s*\]")
    above = next((number for number, row in enumerate(rows) if header.match(row)), 0)
    at_start = re.compile(r"[\s[]*([\w\"'-]+\s*\.\s*)*" + _spelled(where[-1]) + r"\s*[].=]")
    anywhere = re.compile(r"[{,\s]" + _spelled(where[-1]) + r"\s*=")
    for number, row in enumerate(rows[above:], above + 1):
        if at_start.match(row) or anywhere.search(row):
            return number
    return _line_of(text, where[:-1]) if where[1:] else 1


def _spelled(key: str) -> str:
    return f"[\"']?{re.escape(key)}[\"']?"


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
