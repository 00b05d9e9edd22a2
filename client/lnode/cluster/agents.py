"""The state of an agent in a pane, such as Claude Code: it works, it waits for your answer, or it is done.

The rules are data (locate/agents.toml). Only a live dialog at the bottom of the screen says that an agent waits for
you. Text that quotes a dialog is no dialog: something else stands below the quotation (a prompt, the last row of an
editor or of `less`), or the terminal's cursor is somewhere else.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.cluster.agent_rules import Rule, Rules


class AgentState(StrEnum):
    """The state of an agent. UNKNOWN: its title is there, but its screen says nothing."""

    WAITS = "waits for you"
    WORKING = "working"
    DONE = "done"
    UNKNOWN = "unknown"


class Choice(NamedTuple):
    """An answer, and the key that gives it."""

    key: str
    text: str


class Agent(NamedTuple):
    """An agent. `question` and `choices` are those on the screen; `dialog` is all of their text, to see a change.

    `since` is the second of the host's clock in which its pane said something last; None while it works. `pane` is
    tmux's id of its pane. With `enter` an answer ends with the Enter key.
    """

    name: str
    state: AgentState
    question: str = ""
    choices: tuple[Choice, ...] = ()
    dialog: str = ""
    enter: bool = False
    pane: str = ""
    since: int | None = None

    @property
    def waits(self) -> bool:
        return self.state is AgentState.WAITS

    def key_of(self, answer: str) -> str | None:
        """Return the key for an answer: a key itself, or `y` or `n` for a choice that says yes or no; None for none."""
        keys = [choice.key for choice in self.choices if _ONE_KEY.fullmatch(choice.key)]
        if answer.lower() in keys:
            return answer.lower()
        words = {"y": _YES, "n": _NO}.get(answer.lower())
        answers = (choice for choice in self.choices if choice.key in keys)
        found = [choice.key for choice in answers if words and re.match(words, choice.text, re.IGNORECASE)]
        return (found[0] if answer.lower() == "y" else found[-1]) if found else None


_ONE_KEY = re.compile(r"[A-Za-z0-9]")
_YES = r"(?:yes|allow|approve|trust|apply|proceed)\b"
_NO = r"(?:no|cancel|deny|reject|decline|(?:don't|do not) trust)\b"


def in_words(agent: Agent) -> str:
    """Return the question of an agent and its choices in one line: `Do you want to proceed? 1 Yes, 2 No`."""
    keys = ", ".join(one.key if one.key == one.text else f"{one.key} {_short(one.text)}" for one in agent.choices)
    return " ".join(filter(None, (agent.question, f"[{keys}]" if keys else "")))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CHOICE else f"{text[: _LONGEST_CHOICE - 1]}…"


_LONGEST_CHOICE = 60


class Screen(NamedTuple):
    """The end of a pane's screen. `cursor` is the index of the row with the cursor, -1 if none of them has it.

    `has_cursor` is None if tmux does not know whether the program shows the cursor. `alternate`: it uses the other
    screen, as editors do.
    """

    title: str
    rows: Sequence[str]
    has_cursor: bool | None = None
    cursor: int = -1
    alternate: bool = False


MOST_ROWS = 15  # that are not empty
_LONGEST = 400  # characters of a row or a title
_LONGEST_QUESTION = 200
_ABOVE = 12  # rows above the choices in which the question may stand
_BELOW = 4  # rows below a composer between rules: a status line of your own
_MOST_CHOICES = 12
_MOST_LINES = 4  # of a choice
_FRAME = "│┃▌▐"
_RULE = re.compile(rf"^\s*[─━═▁▂▀▄╌╭╮╰╯┌┐└┘{_FRAME}]{{3,}}")
_NUMBERED = re.compile(r"^\s*([^\s\d])?\s*(\d{1,2})[.)]\s+(\S.*)$")
_STATUS = re.compile(r"\[[^\]]{0,40}\].*\d{1,3}:\S{1,60}\*")  # the status line of a tmux inside this tmux
_NOTHING = re.compile(rf"[\s·•|,;.─━═▁▂▀▄╌╭╮╰╯┌┐└┘{_FRAME}]+")


def agent_of(screen: Screen, all_rules: Sequence[Rules]) -> Agent | None:
    """Return the agent of a pane, None if there is none: the first that waits, else the first that is recognized."""
    rows = [_unframed(row[:_LONGEST]) for row in screen.rows]
    if screen.alternate and screen.has_cursor is False and rows and _STATUS.match(rows[-1]):
        rows.pop()
    while rows and _is_blank(rows[-1]) and screen.cursor < len(rows) - 1:
        rows.pop()
    seen = screen._replace(title=screen.title[:_LONGEST], rows=rows)
    return next(filter(None, (look(seen, rules) for look in _LOOKS for rules in all_rules)), None)


def _dialog(screen: Screen, rules: Rules) -> Agent | None:
    rows, kinds = screen.rows, rules.of_kind
    block = _choices(rows, rules.marks) if kinds["dialog"] else None
    if block is None:
        return None
    top, bottom, choices = block
    if screen.has_cursor and (screen.alternate or not top <= screen.cursor < bottom):
        return None
    above, below = rows[max(0, top - _ABOVE) : top], _joined(rows[bottom:])
    for rule in kinds["dialog"]:
        asked = _asked(above, rule)
        ends = rule.finds("footer", below) or rule.finds("last", choices[-1].text)
        if asked and ends and not _leftover(below, [rule], "footer", kinds["below"]):
            dialog = "\n".join([*above, *(f"{choice.key} {choice.text}" for choice in choices)])
            return Agent(rules.name, AgentState.WAITS, asked, choices, dialog)
    return None


def _choices(rows: Sequence[str], marks: str) -> tuple[int, int, tuple[Choice, ...]] | None:
    """Return the lowest choices on the screen, numbered from 1 on, with the first row and the row behind the last one.

    None if they are no choices, or if not exactly one of them has a mark.
    """
    bottom = next((at for at in range(len(rows) - 1, -1, -1) if _numbered(rows[at], marks)), None)
    if bottom is None:
        return None
    at, found, lines, wanted = bottom, list[tuple[int, str, str, str]](), 0, -1
    while at >= 0 and lines <= _MOST_LINES and len(found) < _MOST_CHOICES and wanted:
        row = _numbered(rows[at], marks)
        if row is None:
            lines += 1
        elif found and int(row[1]) != wanted:
            break
        else:
            found.append((at, *row))
            lines, wanted = 0, int(row[1]) - 1
        at -= 1
    found.reverse()
    if wanted or len(found) < 2 or sum(bool(mark) for _, mark, _, _ in found) != 1:  # noqa: PLR2004 (yes and no)
        return None
    end = _end_of_choice(rows, bottom)
    ends = [*(at for at, *_ in found[1:]), end]
    choices = tuple(
        Choice(key, _joined([text, *rows[at + 1 : until]])[:_LONGEST_QUESTION])
        for (at, _, key, text), until in zip(found, ends, strict=True)
    )
    return found[0][0], end, choices


def _numbered(row: str, marks: str) -> tuple[str, str, str] | None:
    """Return the mark, the number and the text of a row that begins a choice."""
    match = _NUMBERED.match(row)
    if match is None or (match[1] and match[1] not in marks):
        return None
    return match[1] or "", match[2], match[3].strip()


def _end_of_choice(rows: Sequence[str], at: int) -> int:
    """Return the index behind the last row of a choice: its further rows are indented as its text is."""
    match = _NUMBERED.match(rows[at])
    indent = match.start(3) if match else 0
    end = at + 1
    while end < min(len(rows), at + _MOST_LINES) and rows[end][:indent].isspace() and not _is_blank(rows[end]):
        end += 1
    return end


def _asked(above: Sequence[str], rule: Rule) -> str:
    """Return the question of a dialog, "" if the text above the choices does not ask as the rule says."""
    parts = _paragraphs(above)
    if not parts or not rule.finds("question", " ".join(parts)):
        return ""
    asking = next((part for part in reversed(parts) if rule.finds("question", part)), parts[-1])
    said = asking if asking == parts[-1] else f"{asking} {parts[-1]}"
    return said[:_LONGEST_QUESTION]


def _paragraphs(rows: Sequence[str]) -> list[str]:
    found: list[list[str]] = [[]]
    for row in rows:
        if _is_blank(row):
            found.append([])
        else:
            found[-1].append(row.strip())
    return [" ".join(" ".join(part).split()) for part in found if part]


def _leftover(below: str, footers: Sequence[Rule], key: str, others: Sequence[Rule]) -> str:
    """Return the text below an agent's own without what may stand there."""
    for rule, name in (*((rule, key) for rule in footers), *((rule, "text") for rule in others)):
        if name in rule.patterns:
            below = rule.patterns[name].sub(" ", below)
    return _NOTHING.sub("", below)


def _prompt(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent that asks in the last row. The cursor stands behind the question; an editor is no prompt."""
    rows = screen.rows
    if not rows or screen.alternate or screen.has_cursor is False or (screen.has_cursor and not _is_last(screen)):
        return None
    for row in _last_rows(rows):
        for rule in rules.of_kind["prompt"]:
            if rule.finds("row", row) and not _TYPED.match(row) and len(_QUOTE.findall(row)) % 2 == 0:
                keys = rule.words.get("keys")
                choices = tuple(Choice(str(key), str(key)) for key in keys) if isinstance(keys, list) else ()
                dialog = "\n".join(rows[-3:])
                return Agent(rules.name, AgentState.WAITS, row[:_LONGEST_QUESTION], choices, dialog, enter=True)
    return None


def _last_rows(rows: Sequence[str]) -> Iterator[str]:
    """Yield the last row, and the last two as one if the terminal may have wrapped the question."""
    yield rows[-1].strip()
    if len(rows) > 1 and len(rows[-2]) >= _NARROWEST and re.search(r"[\])?:]", rows[-1]):
        yield f"{rows[-2]}{rows[-1]}".strip()


_NARROWEST = 32  # columns
_QUOTE = re.compile(r"\"|(?<!\w)'|'(?!\w)")
_TYPED = re.compile(r"^(?:\S{0,80}[$#%>❯›»➜λ]|[+<>-]) ")  # a line for a shell, or a row of a diff


def _is_last(screen: Screen) -> bool:
    return screen.cursor == len(screen.rows) - 1


def _composer(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent whose line for you is on the screen: it works, or it is done."""
    rows, kinds = screen.rows, rules.of_kind
    for rule in kinds["composer"]:
        if rule.words.get("titled") and not _titled(screen.title, rules):
            continue
        for at in range(len(rows) - 1, max(-1, len(rows) - MOST_ROWS), -1):
            if not rule.finds("row", rows[at].strip()):
                continue
            end = _end_of_composer(screen, rule, at, kinds["below"])
            if end is None or (screen.has_cursor and not at <= screen.cursor < end):
                continue
            above, below = rows[:at], _joined(rows[end:])
            works = any(rule.finds("row", row.strip()) for rule in kinds["working"] for row in above[-_ABOVE:])
            works = works or any(rule.finds("text", below) for rule in kinds["working"])
            works = works or _titled(screen.title, rules) is AgentState.WORKING
            return Agent(rules.name, AgentState.WORKING if works else AgentState.DONE)
    return None


def _end_of_composer(screen: Screen, rule: Rule, at: int, below: Sequence[Rule]) -> int | None:
    """Return the index behind the composer whose first row is `at`, None if it is none."""
    rows, rules = screen.rows, rule.words.get("rules")
    if rules == "footer":
        text = _joined(rows[at + 1 :])
        fits = any(one.finds("text", text) for one in below) and not _leftover(text, [], "", below)
        return at + 1 if fits else None
    if not any(map(_RULE.match, rows[max(0, at - _BELOW) : at])):
        return None
    end = at + 1
    if rules == "both":
        end = next((end + 1 for end in range(at + 1, len(rows)) if _RULE.match(rows[end])), 0)
        if not end or not _RULE.match(rows[at - 1]):
            return None
    is_sure = screen.has_cursor is not None and sum(not _is_blank(row) for row in rows[end:]) <= _BELOW
    return end if is_sure or not _leftover(_joined(rows[end:]), [], "", below) else None


def _alone(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent that works without a composer, as its last row tells."""
    if not screen.rows or screen.alternate or (screen.has_cursor and not _is_last(screen)):
        return None
    found = any(
        rule.words.get("alone") and rule.finds("row", screen.rows[-1].rstrip()) for rule in rules.of_kind["working"]
    )
    return Agent(rules.name, AgentState.WORKING) if found else None


def _by_title(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent of a title, whatever it does. A title stays when an agent ends; then the shell has a cursor."""
    if screen.has_cursor is False and _titled(screen.title, rules):
        return Agent(rules.name, AgentState.UNKNOWN)
    return None


def _titled(title: str, rules: Rules) -> AgentState | None:
    found = next((rule for rule in rules.of_kind["title"] if rule.finds("title", title)), None)
    return (
        {"working": AgentState.WORKING, "done": AgentState.DONE}.get(str(found.words.get("state"))) if found else None
    )


_LOOKS = (_dialog, _prompt, _composer, _alone, _by_title)


def _unframed(row: str) -> str:
    """Return a row without the sides of a box; what is in the box keeps its column."""
    row = row.rstrip()
    if row[-1:] and row[-1] in _FRAME and not _RULE.match(row):
        row = row[:-1].rstrip()
    bare = row.lstrip()
    if bare[:1] and bare[0] in _FRAME and not _RULE.match(row):
        row = f"{row[: len(row) - len(bare)]} {bare[1:]}"
    return row


def _is_blank(row: str) -> bool:
    return not row.strip() or _NOTHING.fullmatch(row) is not None


def _joined(rows: Sequence[str]) -> str:
    return " ".join(" ".join(rows).split())
