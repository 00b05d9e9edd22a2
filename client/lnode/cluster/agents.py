"""The state of an agent in a pane, such as Claude Code: it works, it waits for your answer, or it is done.

The rules are data (locate/agents.toml). Only a live dialog at the bottom of the screen says that an agent waits for
you. Text that quotes a dialog is no dialog: something else stands below the quotation (a prompt, the last row of an
editor or of `less`), or the terminal's cursor is somewhere else.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from lnode.cluster import choices
from lnode.cluster.agent_rules import Rule, Rules
from lnode.cluster.choices import FRAME, NOTHING, RULE, Block, Choice, is_blank, joined


class AgentState(StrEnum):
    """The state of an agent. UNKNOWN: its title is there, but its screen says nothing."""

    WAITS = "waits for you"
    WORKING = "working"
    DONE = "done"
    UNKNOWN = "unknown"


class Agent(NamedTuple):
    """An agent. `question` and `choices` are those on the screen; `dialog` is all of their text, to see a change.

    `since` is the second of the host's clock in which its pane said something last; None while it works. `pane` is
    tmux's id of its pane. With `enter` an answer ends with the Enter key. `at` is the index of the choice with the mark
    if you move among the choices by the arrow keys; None if each has a key.
    """

    name: str
    state: AgentState
    question: str = ""
    choices: tuple[Choice, ...] = ()
    dialog: str = ""
    enter: bool = False
    at: int | None = None
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


_ONE_KEY = re.compile(r"[A-Za-z0-9]|yes|no")  # these two are words that a prompt wants whole
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
_GRID = re.compile(r"[└┘┴├┤┼┬┌┐]")  # of a table that a program has printed
_STATUS = re.compile(r"\[[^\]]{0,40}\].*\d{1,3}:\S{1,60}\*")  # the status line of a tmux inside this tmux


def agent_of(screen: Screen, all_rules: Sequence[Rules]) -> Agent | None:
    """Return the agent of a pane, None if there is none: the first that waits, else the first that is recognized."""
    rows = [_unframed(row[:_LONGEST]) for row in screen.rows]
    if screen.alternate and screen.has_cursor is False and rows and _STATUS.match(rows[-1]):
        rows.pop()
    while rows and is_blank(rows[-1]) and screen.cursor < len(rows) - 1:
        rows.pop()
    seen = screen._replace(title=screen.title[:_LONGEST], rows=rows)
    return next(filter(None, (look(seen, rules) for look in _LOOKS for rules in all_rules)), None)


def _dialog(screen: Screen, rules: Rules) -> Agent | None:
    for kind, find in (("dialog", choices.numbered), ("menu", choices.by_arrows)):
        block = find(screen.rows, rules.marks) if rules.of_kind[kind] else None
        live = block and _is_live(screen, block) and not choices.in_draft(screen.rows, block)
        if block and live and (agent := _asking(screen, rules, kind, block)):
            return agent
    return None


def _is_live(screen: Screen, block: Block) -> bool:
    """True if the terminal's cursor is hidden, or in the choices. An agent hides it, an editor does not."""
    return not screen.has_cursor or (not screen.alternate and block.top <= screen.cursor < block.bottom)


def _asking(screen: Screen, rules: Rules, kind: str, block: Block) -> Agent | None:
    rows, by_arrows = screen.rows, kind == "menu"
    above, below = rows[max(0, block.top - _ABOVE) : block.top], joined(rows[block.bottom :])
    for rule in rules.of_kind[kind]:
        asked = _asked(above, rule)
        ends = rule.finds("footer", below) or rule.finds("last", block.choices[-1].text)
        ends = ends or (by_arrows and not rule.expressions.keys() & {"footer", "last"})
        if asked and ends and not _leftover(below, rule, rules.of_kind["below"]):
            dialog = "\n".join([*above, *(f"{choice.key} {choice.text}" for choice in block.choices)])
            if by_arrows and all(_BOX.match(choice.text) for choice in block.choices):
                return Agent(rules.name, AgentState.WAITS, asked, (), dialog)  # Enter takes all that are checked
            at = block.at if by_arrows else None
            return Agent(rules.name, AgentState.WAITS, asked, block.choices, dialog, at=at)
    return None


_BOX = re.compile(r"\[.\]|[◻◼☐☑☒◯◉]")


def _text(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent that asks for a text of yours: its footer ends the screen, and the cursor is hidden or above."""
    rows = screen.rows
    if not rules.of_kind["text"] or (screen.has_cursor and (screen.alternate or screen.cursor < 0)):
        return None
    for at in range(len(rows) - 1, max(0, len(rows) - _OF_FOOTER - 1), -1):
        below = joined(rows[at:])
        above = [row for row in rows[max(0, at - _ABOVE) : at] if not choices.DRAFT.match(row)]
        if screen.has_cursor and screen.cursor >= at:
            break
        for rule in rules.of_kind["text"]:
            if rule.finds("footer", below) and not _leftover(below, rule, ()):
                asked = _asked(above, rule)
                if asked:
                    return Agent(rules.name, AgentState.WAITS, asked, (), "\n".join(above))
    return None


_OF_FOOTER = 4  # rows


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
        if is_blank(row):
            found.append([])
        else:
            found[-1].append(row.strip())
    return [" ".join(" ".join(part).split()) for part in found if part]


def _leftover(below: str, footer: Rule | None, others: Sequence[Rule]) -> str:
    """Return the text below an agent's own without the footer and the other texts that may stand there."""
    if footer:
        below = footer.without("footer", below)
    for rule in others:
        below = rule.without("text", below)
    return NOTHING.sub("", below)


def _prompt(screen: Screen, rules: Rules) -> Agent | None:
    """Return the agent that asks in the last row. The cursor stands behind the question; an editor is no prompt."""
    rows = screen.rows
    if not rows or screen.alternate or screen.has_cursor is False or (screen.has_cursor and not _is_last(screen)):
        return None
    for row, above in _last_rows(rows):
        for rule in rules.of_kind["prompt"]:
            if above and rule.finds("row", above):  # that question has ended
                return None
            if rule.finds("row", row) and not _TYPED.match(row) and len(_QUOTE.findall(row)) % 2 == 0:
                keys = [] if _BEGUN.search(row) else rule.words.get("keys")
                offered = tuple(Choice(str(key), str(key)) for key in keys) if isinstance(keys, list) else ()
                dialog = "\n".join(rows[-3:])
                return Agent(rules.name, AgentState.WAITS, row[:_LONGEST_QUESTION], offered, dialog, enter=True)
    return None


def _last_rows(rows: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the last row, and the last two as one, with the first, if the terminal may have wrapped the question."""
    yield rows[-1].strip(), ""
    if len(rows) > 1 and len(rows[-2]) >= _NARROWEST and re.search(r"[\])?:]", rows[-1]):
        yield f"{rows[-2]}{rows[-1]}".strip(), rows[-2].strip()


_NARROWEST = 32  # columns
_BEGUN = re.compile(r"[\])?:] ?\w{1,8}$")  # an answer that is typed already: another one would follow it
_QUOTE = re.compile(r"\"|(?<!\w)'|'(?!\w)")
# A line for a shell, as behind `(base) [me@login1 proj]$`, or a row of a diff.
_TYPED = re.compile(r"^(?:\([^)]{1,40}\) )?(?:(?:\[[^\]]{1,80}\]|\S{0,80})[$#%>❯›»➜λ]|[+<>-]) ")


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
            above, below = rows[:at], joined(rows[end:])
            works = any(rule.finds("row", row.strip()) for rule in kinds["working"] for row in above[-_ABOVE:])
            works = works or any(rule.finds("text", below) for rule in kinds["working"])
            works = works or _titled(screen.title, rules) is AgentState.WORKING
            return Agent(rules.name, AgentState.WORKING if works else AgentState.DONE)
    return None


def _end_of_composer(screen: Screen, rule: Rule, at: int, below: Sequence[Rule]) -> int | None:
    """Return the index behind the composer whose first row is `at`, None if it is none."""
    rows, rules = screen.rows, rule.words.get("rules")
    if rules == "footer":
        text = joined(rows[at + 1 :])
        fits = any(one.finds("text", text) for one in below) and not _leftover(text, None, below)
        return at + 1 if fits else None
    above = rows[max(0, at - _BELOW) : at]
    if not any(RULE.match(row) and not _GRID.search(row) for row in above):
        return None
    end = next((end + 1 for end in range(at + 1, len(rows)) if RULE.match(rows[end])), 0)
    if rules == "both" and (not end or not RULE.match(rows[at - 1])):
        return None
    end = end or at + 1
    is_sure = screen.has_cursor is not None and sum(not is_blank(row) for row in rows[end:]) <= _BELOW
    return end if is_sure or not _leftover(joined(rows[end:]), None, below) else None


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


_LOOKS = (_dialog, _text, _prompt, _composer, _alone, _by_title)


def _unframed(row: str) -> str:
    """Return a row without the sides of a box; what is in the box keeps its column."""
    row = row.replace("\u00a0", " ").rstrip()
    if row[-1:] and row[-1] in FRAME and not RULE.match(row):
        row = row[:-1].rstrip()
    bare = row.lstrip()
    if bare[:1] and bare[0] in FRAME and not RULE.match(row):
        row = f"{row[: len(row) - len(bare)]} {bare[1:]}"
    return row
