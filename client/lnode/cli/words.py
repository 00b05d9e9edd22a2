"""Every word that you can type, declared once: the verbs, and the options that go with them.

The parser, `--help`, the errors about words that do not go together, the man page, completion and a test of the docs
follow from this table. A verb is a module of commands/ with a function of that name, or a folder with such a module.
"""

from enum import Enum, auto
from typing import NamedTuple


class Scope(Enum):
    """The place of a verb: the words that you type before it.

    SESSION: `HOST [SESSION]`. NAMED: `HOST NAME`. HOST: a host and no session. HOSTS: a host or none; without one the
    function `without_host` of the verb's module is called. LAPTOP: no host.
    """

    SESSION = auto()
    NAMED = auto()
    HOST = auto()
    HOSTS = auto()
    LAPTOP = auto()


class Verb(NamedTuple):
    """One of the things that lnode does. --help shows no verb without a `group`; attaching has no flag.

    `value` is the keyword argument for the verb's own value, "" for a plain flag. `beside` are the other verbs that you
    may type with this one, which is then an option of theirs. Without `connects` the function takes `host` in place of
    an Address, and `session` if you typed one; lnode starts no ssh. `optional` is for a value that you may leave out:
    the usual one, and the form of one (a regular expression). `takes_command`: words behind `--`.
    """

    name: str
    flag: str
    help: str
    group: str
    scope: Scope
    value: str = ""
    type: type = bool
    metavar: str = ""
    beside: tuple[str, ...] = ()
    connects: bool = True
    optional: tuple[str, str] | None = None
    takes_command: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        return (self.flag,) if self.flag else ()

    @property
    def argument(self) -> str:
        """Return the keyword argument of the functions that take its value, "" for none."""
        return self.value

    @property
    def spelled(self) -> str:
        """Return the verb as you type it in an example."""
        return f"{self.flag} {self.metavar}".strip()

    @property
    def whole(self) -> str:
        """Return the same with the command that it takes."""
        return f"{self.spelled} -- COMMAND" if self.takes_command else self.spelled


class Option(NamedTuple):
    """A word that goes with some verbs, with all if `beside` is (). `name` is the keyword argument of their functions.

    A word `of_settings` is no argument: it changes the settings in the verb's Address.
    """

    name: str
    flags: tuple[str, ...]
    help: str
    group: str
    beside: tuple[str, ...]
    type: type = bool
    metavar: str = ""
    of_settings: bool = False

    @property
    def argument(self) -> str:
        """Return the keyword argument of the functions that take it, "" for none."""
        return "" if self.of_settings else self.name

    @property
    def spelled(self) -> str:
        """Return the option as you type it in an example."""
        return f"{self.flags[-1]} {self.metavar}".strip()


_ATTACH, _LOOK, _ACT, _RUNS = "What to attach to", "Look", "Act", "Runs"
_PORTS, _SIGN_IN, _SETUP, _OUTPUT = "Ports and VS Code", "Sign-in", "Setup and trouble", "Output"
GROUPS = (_ATTACH, _LOOK, _ACT, _RUNS, _PORTS, _SIGN_IN, _SETUP, _OUTPUT)


def _of_request(name: str, flag: str, help_: str, metavar: str) -> Option:
    return Option(name, (flag,), help_, _ATTACH, ("attach", "renew", "when"), str, metavar, of_settings=True)


# In the order in which --help shows them.
WORDS: tuple[Verb | Option, ...] = (
    Verb("attach", "", "", "", Scope.SESSION),
    Option("profile", ("-P",), "a profile of config.toml", _ATTACH, (), str, "NAME", of_settings=True),
    _of_request("mem", "-m", "memory to request, in MB", "MEM"),
    _of_request("time", "-t", "time limit to request", "TIME"),
    _of_request("partition", "-p", "partition to request in", "NAME"),
    _of_request("gpus", "-g", "GPUs to request", "GPUS"),
    _of_request("cpus", "-c", "CPUs to request", "CPUS"),
    Option("where", ("--where",), "the machine with its tmux: login, or node for the compute node", _ATTACH,
           ("attach",), str, "PLACE", of_settings=True),
    Option("login", ("--login",), "plain tmux on the login node, no allocation", _ATTACH, ("attach",)),
    Option("existing", ("--existing",), "attach only, never start one", _ATTACH, ("attach",)),
    Option("here", ("--here",), "where HOST leads, whatever runs on its other login nodes", _ATTACH,
           ("attach", "rescue")),
    Option("detach", ("-d",), "detach the session's other clients", _ATTACH, ("attach",)),
    Option("wait", ("--wait",), "keep trying where there is no network yet", _ATTACH, ("attach",)),
    Option("cc", ("--cc",), "attach in tmux's control mode, for iTerm2", _ATTACH, ("attach",)),

    Verb("ls", "--ls", "list every session: state, node, job, time left; without HOST on all known hosts", _LOOK,
         Scope.HOSTS),
    Option("watch", ("--watch",), "with --ls: keep it on the screen", _LOOK, ("ls",)),
    Verb("when", "--when", "when each of your requests would start, and what maintenance delays it; requests nothing",
         _LOOK, Scope.HOST),
    Verb("peek", "--peek", "what the session's screen shows, and N lines above", _LOOK, Scope.SESSION,
         "above", int, "[N]", optional=("0", r"\d+")),
    Verb("wait_for", "--wait-for", "wait until it shows that, or `idle`, `bell`, `agent`", _LOOK, Scope.SESSION,
         "pattern", str, "REGEX"),
    Option("timeout", ("--timeout",), "with --wait-for: give up after so many seconds", _LOOK, ("wait_for",),
           float, "S"),

    Verb("send", "--send", "type TEXT into the session, and Enter", _ACT, Scope.SESSION,
         "text", str, "TEXT", beside=("wait_for",)),
    Option("no_enter", ("--no-enter",), "with --send: no Enter", _ACT, ("send", "wait_for")),
    Verb("answer", "--answer", "answer the question of its agent: 1, y or n", _ACT, Scope.SESSION,
         "choice", str, "CHOICE"),
    Verb("renew", "--renew", "ask for another allocation in the same session", _ACT, Scope.SESSION),
    Option("early", ("--early",), "with --renew: while the old one still runs", _ACT, ("renew",)),
    Verb("keep", "--keep", "let a session on its node outlive its allocation, as `3 weeks`; `no`: no longer", _ACT,
         Scope.SESSION, "span", str, "TIME"),
    Verb("reset", "--reset", "thaw the session's frozen screen; lnode demo --reset: remove the demo", _ACT,
         Scope.SESSION),
    Verb("rescue", "--rescue", "bring a process that nothing protects into a session", _ACT, Scope.SESSION,
         "pid", int, "PID"),
    Verb("kill", "--kill", "end the session and give its allocation back; or end a run", _ACT, Scope.SESSION),
    Option("yes", ("-y", "--yes"), "with --kill, --setup, --init and --code: do not ask", _ACT,
           ("kill", "setup", "init", "code")),

    Verb("run", "--run", "start a command that goes on by itself: --run -- COMMAND", _RUNS, Scope.NAMED,
         takes_command=True),
    Option("cwd", ("--cwd",), "with --run: start in this folder", _RUNS, ("run",), str, "DIR"),
    Verb("exec", "--exec", "run one command, end with its exit code, never ask: --exec -- COMMAND", _RUNS, Scope.HOST,
         takes_command=True),
    Option("on", ("--on",), "with --run and --exec: inside that session's allocation", _RUNS, ("run", "exec"), str,
           "SESSION"),
    Verb("logs", "--logs", "print the log of a run", _RUNS, Scope.NAMED),
    Option("follows", ("-f",), "with --logs: follow it to the end, across drops", _RUNS, ("logs",)),
    Option("lines", ("-n",), "with --logs: the last N lines only", _RUNS, ("logs",), int, "N"),
    Option("notify", ("--notify",), "with --run or --logs -f: notify at the end; with --ls --watch: of agents", _RUNS,
           ("run", "logs", "ls")),

    Verb("ports", "-L", "a port of this laptop to the session's node", _PORTS, Scope.SESSION,
         "specs", list[str], "PORT"),
    Verb("code", "--code", "VS Code on the session's node, in that folder there", _PORTS, Scope.SESSION,
         "folder", str, "DIR"),
    Verb("way", "--way", "", "", Scope.HOST, "node", str, "NAME"),

    Verb("sign_in", "--sign-in", "keep a password or passphrase in this laptop's keychain", _SIGN_IN, Scope.HOST),
    Verb("forget", "--forget", "remove it again", _SIGN_IN, Scope.HOST, connects=False),
    Verb("close", "--close", "end the connection that a sign-in left open", _SIGN_IN, Scope.HOST),

    Verb("init", "--init", "the first five minutes: find what your cluster has, write config.toml; asks first", _SETUP,
         Scope.HOSTS),
    Option("hostname", ("--address",), "with --init: of a host that your ssh configuration does not have yet", _SETUP,
           ("init",), str, "ADDRESS"),
    Option("user", ("--user",), "with --init --address: your name there", _SETUP, ("init",), str, "NAME"),
    Option("gate", ("--gate",), "with --init --address: the host to jump through", _SETUP, ("init",), str, "ADDRESS"),
    Verb("setup", "--setup", "livenode() and mouse scrolling on the cluster; shows the change first", _SETUP,
         Scope.HOST),
    Option("undo", ("--undo",), "with --setup: take it back", _SETUP, ("setup",)),
    Verb("phone", "--phone", "keep the token for `push` there, and send your phone a message to try it", _SETUP,
         Scope.HOST),
    Verb("profiles", "--profiles", "what each profile would request here", _SETUP, Scope.HOST, connects=False),
    Verb("doctor", "--doctor", "check every layer, each finding with its fix; without HOST this laptop", _SETUP,
         Scope.HOSTS),
    Verb("history", "--history", "why was I disconnected? what happened, and when", _SETUP, Scope.SESSION,
         connects=False),

    Verb("drop", "--drop", "lnode demo --drop 10: cut the demo's wire for 10 s, to see lnode come back", _SETUP,
         Scope.HOST, "seconds", int, "S", connects=False),
    Verb("guide", "--guide", "print a page of the docs, as sign-in; without PAGE one for agents on this laptop", _SETUP,
         Scope.LAPTOP, "page", str, "[PAGE]", connects=False, optional=("", r"[^-].*")),
    Verb("completion", "--completion", "print what completes words in bash, zsh or fish", _SETUP, Scope.LAPTOP,
         "shell", str, "SHELL", connects=False),
    Verb("man", "--man", "print the man page", _SETUP, Scope.LAPTOP, connects=False),
    Verb("version", "--version", "print lnode's version", _SETUP, Scope.LAPTOP, connects=False),

    Option("as_json", ("--json",), "with --ls and --doctor: as JSON", _OUTPUT, ("ls", "doctor")),
    Option("verbose", ("-v",), "tell at the end what happened, with times", _OUTPUT, ("attach", "renew")),
)  # fmt: skip

SUMMARY = "Keep a compute-node session alive on an HPC cluster, from your laptop."

EVERYDAY = """\
lnode --init                      the first time: find what your cluster has, start a session
lnode unity                       attach to your session there, or start it
lnode unity myproject             the same by name, as many as you like
lnode unity --ls                  what is there: node, job, time left
lnode unity myproject --kill      end it, give its allocation back
lnode unity sim --run -- ./train  goes on by itself; --logs -f follows it
lnode demo                        all of this without a cluster"""

VERBS = {word.name: word for word in WORDS if isinstance(word, Verb)}
OPTIONS = {word.name: word for word in WORDS if isinstance(word, Option)}
