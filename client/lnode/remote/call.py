"""The POSIX sh that runs on the cluster, and the one line that carries it to the host.

The line has no newline and no `!`, and means the same to bash, zsh, dash, fish, csh and tcsh. Script and values travel
compressed and in base64, in words that are short enough for each shell. Uncompressed they would not fit into the 14 kB
that TCP sends before the first acknowledgement (RFC 6928), and a script on standard input would come later still: each
costs a round trip. Standard input stays free for the terminal, and for your answer to `--kill`.
"""

import binascii
import os
import re
import shlex
import zlib
from collections.abc import Iterable
from functools import cache

from lnode.schedulers.known import KNOWN

_HERE = os.path.dirname(__file__)
_WORD = 4096  # bytes: bsd-csh takes no word longer than 8187
_GZIP = 31  # zlib's wbits for the format of gzip(1)
_LEVEL = 5  # zlib's: 9 takes half as long again for a line that is 50 bytes shorter


def line(script: str, *values: str, called: str = "sh", says: str = "") -> str:
    """Return the shell line that runs `script`, a file of this folder, with a variable for each of `values`.

    Their names are on the script's line `# values:`, behind those of its parts. They may hold anything but NUL. At most
    about 120 kB in all (Linux MAX_ARG_STRLEN). `called` is its name in ps, a plain word; `says` is sh that runs before
    anything else. Raises ValueError if there are more or fewer values than names.
    """
    words = _words(_packed(with_values(script, *values)))
    return f"exec /bin/sh -c '{says}eval \"$({_UNPACKED})\"' {called} {words}"


_UNPACKED = 'printf %s "$@" | base64 -d | gzip -d'


def _packed(text: str) -> str:
    packed = zlib.compress(text.encode("utf-8", "surrogateescape"), _LEVEL, _GZIP)
    return binascii.b2a_base64(packed, newline=False).decode("ascii")


def _words(encoded: str) -> str:
    return " ".join(encoded[at : at + _WORD] for at in range(0, len(encoded), _WORD))


def short_line(script: str, *values: str, called: str = "sh", says: str = "", unless: str) -> str:
    """Return the line of a script that the host has stored (store.sh), with the values alone; see `line`.

    The host runs no other text than this one: its name is its hash. If it is not there, the sh `unless` runs.
    """
    name = stored_name(script)
    read = f'lnode_text=$(gzip -d <"$HOME/.local/state/lnode/scripts/{name}" 2>/dev/null) || :'
    check = f'case $(printf %s "$lnode_text" | sha256sum 2>/dev/null) in {name}*) ;; *) {unless} ;; esac'
    words = _words(_packed(_assigned(script, *values)))
    return f"exec /bin/sh -c '{says}{read}; {check}; eval \"$({_UNPACKED}); $lnode_text\"' {called} {words}"


@cache
def stored_name(script: str) -> str:
    """Return the name under which a host stores the script: the SHA-256 of its text."""
    from hashlib import sha256

    return sha256(_stored_text(script).encode()).hexdigest()


def packed(script: str) -> str:
    """Return the text of the script as store.sh takes it."""
    return _packed(_stored_text(script))


def _stored_text(script: str) -> str:
    return source(script).rstrip("\n")


def with_values(script: str, *values: str) -> str:
    """Return the text of the script behind a variable for each of its values. Raises ValueError as `line` does."""
    return f"{_assigned(script, *values)}{source(script)}"


def _assigned(script: str, *values: str) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in zip(value_names(script), values, strict=True))


def question(script: str, nonce: str, *values: str) -> str:
    """Return the line of a script with a framed reply: it says `NONCE begun` before anything else.

    Until then the login shell is in its rc files, or another program has taken its place.
    """
    return line(script, nonce, *values, called=nonce, says=_BEGUN)


def short_question(script: str, nonce: str, *values: str) -> str:
    """Return the same for a script that the host has stored; else its reply has the section `unstored`."""
    unless = 'echo "$0 unstored"; echo; echo "$0 end"; exit'
    return short_line(script, nonce, *values, called=nonce, says=_BEGUN, unless=unless)


_BEGUN = 'echo; echo "$0 begun"; '


def value_names(script: str) -> tuple[str, ...]:
    """Return the variables that the script and its parts want, in the order of the values of `line`."""
    return tuple(dict.fromkeys(name for text in texts(script) for name in _declared(text, "values")))


def in_pane(command: str, session: str) -> str:
    """Return the shell line that runs a command in a pane of the session, as if at your prompt (request.sh)."""
    return line("request", session, command)


def run_id() -> str:
    """Return 16 hex digits for one run of lnode, by which it recognizes its session and its own tmux client."""
    return os.urandom(8).hex()


def nonce() -> str:
    """Return a word that frames one reply, and that no rc file prints."""
    return f"lnode-{os.urandom(8).hex()}"


def source(script: str) -> str:
    """Return the text of the script behind the parts that its line `# parts:` names, without comments.

    Where bash is sh, an exported SHELLOPTS brings it the options of your rc files.
    """
    return "set +euC\n" + "".join(_bare(text) for text in texts(script))


def _bare(text: str) -> str:
    """Return the text without comments, empty lines and indents. No text of several lines in a script has these."""
    lines = (line.lstrip(" ") for line in text.splitlines(keepends=True))
    return "".join(line for line in lines if line[0] not in "#\n")


@cache
def texts(script: str) -> tuple[str, ...]:
    """Return the text of each part, and of the script. A part may begin with other texts (_before)."""
    text = _read(script)
    parts = {part: _read(part) for part in _declared(text, "parts")}
    asks = "".join((*parts.values(), text)).split("}_")[1:]  # as in "${scheduler}_list"
    asked = {its.partition('"')[0] for its in asks}
    return (*(one for part, its in parts.items() for one in (*_before(part, asked), its)), text)


def _declared(text: str, what: str) -> list[str]:
    """Return the words of the script's line `# WHAT: WORD...`."""
    return text.partition(f"\n# {what}: ")[2].partition("\n")[0].split()


def _before(part: str, asked: Iterable[str]) -> list[str]:
    """Return the part `prompt` for `tmux`; for `scheduler` what is `asked` of each, behind what they cannot do."""
    if part == "tmux":
        return [_read("prompt")]
    if part != "scheduler":
        return []
    rows = " ".join(f"{name}:{code}" for name, code in KNOWN.items())
    return [f"schedulers='{rows}'\n", _read("unable"), *(_asked_of(name, asked) for name in KNOWN)]


def _asked_of(name: str, asked: Iterable[str]) -> str:
    """Return the scheduler's file with those functions alone that are `asked` for, and those that they call."""
    words, _, rest = _of_scheduler(name).partition("\n\n")
    functions = {one.partition("() {\n")[0].rpartition("\n")[2]: f"{one}\n}}\n" for one in rest.split("\n}\n")}
    kept, todo = set[str](), [f"{name}_{what}" for what in asked]
    while todo:
        one = todo.pop()
        if one in functions and one not in kept:
            kept.add(one)
            todo += re.findall(rf"{name}_\w+", functions[one])
    return "\n".join((words, *(text for one, text in functions.items() if one in kept), ""))


def after_request() -> str:
    """Return the sh that prints the job and the state in which the request of the process $$ ended; "" for none."""
    return "; ".join(filter(None, map(_after, KNOWN)))


def _after(name: str) -> str:
    text = _of_scheduler(name)
    after, narrowed = (text.partition(f"{name}_{what}='")[2].partition("'\n")[0] for what in ("after", "narrowed"))
    return f"unset {narrowed}; {after}" if narrowed else after


def _of_scheduler(name: str) -> str:
    return _text(f"{_HERE}/../schedulers/{name}.sh")


def _read(name: str) -> str:
    part = f"{_HERE}/parts/{name}.sh"
    return _text(part if os.path.exists(part) else f"{_HERE}/{name}.sh")


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
