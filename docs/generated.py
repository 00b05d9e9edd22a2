"""The parts of the pages that are made from the code: `python docs/generated.py` writes them between their marks.

A page has `<!-- made from the code: NAME -->`, the part, and `<!-- until here -->`. tests/inprocess/test_docs.py
compares them with the code.
"""

import ast
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import lnode
import measurements
from lnode.cli.manual import ABOUT, CODES
from lnode.errors import ExitCode, Page
from lnode.laptop.setting_keys import KEYS
from lnode.laptop.settings import HostSettings
from lnode.schedulers import known

HERE = Path(__file__).parent
_PACKAGE = Path(lnode.__file__).parent
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PART = re.compile(r"(<!-- made from the code: ([a-z ]+) -->\n).*?(<!-- until here -->)", re.DOTALL)


def filled(text: str) -> str:
    """Return a page with its parts as the code has them now."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)


def by_hand(text: str) -> str:
    """Return a page without those parts."""
    return _PART.sub("", text)


# --- config.toml


def settings() -> str:
    """Return the table of the keys and their defaults."""
    defaults = HostSettings()._asdict()
    rows = ((f"`{key}`", _default(defaults[key]), _marked(means)) for key, means in KEYS.items())
    return _table(("key", "default", "meaning"), rows)


def _default(value: object) -> str:
    return f"`{_quoted(value)}`" if value else "not set"


def _quoted(value: object) -> str:
    return str(value) if str(value).isdecimal() else f'"{value}"'


def _marked(text: str) -> str:
    """Return text with the options and the {words} in it as code."""
    return re.sub(r"((?:\{\w+\} ?)*\{\w+\}|(?<!\w)-[a-z]\b)", r"`\1`", text)


# --- schedulers, exit codes


def schedulers() -> str:
    """Return the table of the schedulers that lnode knows."""
    rows = ((one.title, f"`{one.request}`", f"`{one.listing} $USER`", f"`{one.cancel}`") for one in known.schedulers())
    return _table(("scheduler", "an interactive job", "lists yours", "gives it back"), rows)


def exit_codes() -> str:
    """Return the table of the exit codes."""
    return _table(("code", "meaning"), ((str(int(code)), text) for code, text in CODES.items()))


# --- messages


class Message(NamedTuple):
    """A sentence of lnode and its hint, with words in capitals for those that differ; the page that the hint names."""

    code: ExitCode
    sentence: str
    hint: str
    page: Page | None = None


_ERRORS = ("LnodeError", "NotBegun")
_OF_YOURS = "a command for your case"
# The page about the sentences of a code.
_PAGES = {
    ExitCode.UNREACHABLE: "[reconnecting](reconnect.md)",
    ExitCode.LOGIN_REFUSED: "[signing in](sign-in.md)",
    ExitCode.HOST_KEY: "[signing in](sign-in.md#host-keys)",
    ExitCode.NO_SESSION: "[login nodes](login-nodes.md), if you expected it",
    ExitCode.MISSING_THERE: "[settings](settings.md) and [your login shell](field.md#your-login-shell)",
    ExitCode.TAKEN_OVER: "[all commands](handbook.md)",
    ExitCode.FAILED: "[troubleshooting](field.md)",
    ExitCode.USAGE: "[all commands](handbook.md) and [settings](settings.md)",
    ExitCode.BUG: "",
}


@cache
def messages() -> str:
    """Return a section for each exit code, with its sentences and their hints."""
    hints: dict[tuple[ExitCode, str], set[str]] = {}
    pages: dict[str, Page] = {}
    for one in _messages():
        hints.setdefault((one.code, one.sentence), set()).update([one.hint] if one.hint else [])
        pages |= {one.sentence: one.page} if one.page else {}
    lines = []
    for code, page in _PAGES.items():
        found = sorted((sentence.lower(), sentence, said) for (its, sentence), said in hints.items() if its is code)
        rows = (
            (_code(sentence), (" or ".join(map(_code, sorted(said))) or _OF_YOURS) + _more(pages.get(sentence)))
            for _, sentence, said in found
        )
        lines += [
            f"## Exit code {int(code)}: {CODES[code].partition(';')[0]}",
            "",
            ABOUT[code] + (f" See {page}." if page else ""),
            "",
        ]
        lines += [_table(("you see", "hint"), rows), ""]
    return "\n".join(lines).rstrip()


def _more(page: Page | None) -> str:
    """Return a link to the page that the hint names."""
    return f"; more: [{page}]({page.replace('/', '.md#', 1) if '/' in page else f'{page}.md'})" if page else ""


def _messages() -> Iterator[Message]:
    """Yield the messages of lnode's source whose sentence stands there: each LnodeError, and each row of a table."""
    for path in sorted(_PACKAGE.rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        everywhere = _texts(module.body)
        yield from _messages_in(module, everywhere)
        for node in ast.walk(module):
            if isinstance(node, _FUNCTIONS):
                yield from _messages_in(node, everywhere | _texts(ast.walk(node)))


def _texts(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Return the text of each variable, "" for one that has several."""
    texts: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            texts[name] = "" if name in texts else _template(node.value)
    return texts


def _messages_in(scope: ast.AST, hints: Mapping[str, str]) -> Iterator[Message]:
    for node in _without_functions_below(scope):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ERRORS:
            words = [*node.args, *(one.value for one in node.keywords if one.arg == "page")]
        elif isinstance(node, ast.Tuple):
            words = node.elts
        else:
            continue
        if message := _message(words, hints):
            yield message


def _without_functions_below(scope: ast.AST) -> Iterator[ast.AST]:
    nodes = deque([scope])
    while nodes:
        node = nodes.popleft()
        yield node
        nodes.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, _FUNCTIONS))


def _message(words: list[ast.expr], hints: Mapping[str, str]) -> Message | None:
    match words:
        case [ast.Attribute(ast.Name("ExitCode"), code), said, hint, *rest]:
            sentence = _template(said)
            pages = [Page[one.attr] for one in rest if isinstance(one, ast.Attribute)]
        case _:
            return None
    next_step = hints.get(hint.id, "") if isinstance(hint, ast.Name) else _template(hint)
    message = Message(ExitCode[code], sentence, next_step, next(iter(pages), None))
    return message if len(re.findall("[a-z]{3}", sentence)) > 1 else None


def _template(node: ast.expr) -> str:
    """Return the text of a string, "" if it has none of its own."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"\{([a-z_.]+)\}", lambda hole: _in_capitals(hole[1]), node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(value) if isinstance(value, ast.Constant) else _hole(value) for value in node.values)
    return ""


def _hole(node: ast.expr) -> str:
    word = node.value if isinstance(node, ast.FormattedValue) else node
    if isinstance(word, ast.Call) and isinstance(word.func, ast.Name) and word.func.id == "typed":
        return _COMMAND
    while isinstance(word, ast.Call) and len(word.args) == 1 and isinstance(word.args[0], ast.Name | ast.Attribute):
        word = word.args[0]
    return _in_capitals(ast.unparse(word)) if isinstance(word, ast.Name | ast.Attribute) else "..."


_COMMAND = "lnode HOST NAME"  # remote/fields.py, typed()


def _in_capitals(name: str) -> str:
    """Return HOST, NAME or another word for a variable of the code."""
    last = name.rpartition(".")[2].strip("_")
    if last == "typed":
        return _COMMAND
    host = last in ("alias", "host", "place", "there", "who") or name == "place"
    words = {"by_hand": "ssh HOST", "strerror": "REASON", "quoted": "NAME"}
    return "HOST" if host else words.get(last, last.upper())


def _code(text: str) -> str:
    mark = "``" if "`" in text else "`"
    return f"{mark}{text.replace('|', chr(92) + '|')}{mark}" if text else ""


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "schedulers": schedulers,
    "exit codes": exit_codes,
    "messages": messages,
    "measured race": measurements.race,
    "measured lost": measurements.lost,
    "measured node": measurements.node,
    "measured verbs": measurements.verbs,
    "measured losses": measurements.losses,
}


def main() -> None:
    for page in sorted(HERE.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            page.write_text(new, encoding="utf-8")
            print(f"{page.name} is written")


if __name__ == "__main__":
    main()
