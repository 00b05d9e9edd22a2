"""The lines that handbooks tell you to add to your files: livenode() for the login shell, the mouse for tmux.

livenode() is for days without this laptop. Its sessions are the same as lnode's: each finds those of the other.
"""

import re
import shlex
from collections.abc import Callable, Mapping

SH = ("bash", "zsh", "sh", "dash", "ash", "ksh", "ksh93", "mksh")

_FOLDER_SINCE = (1, 9)  # of tmux new-session -c

_AGENT = "~/.ssh/lnode-agent"

# An alias of that name would be read in place of the name: a syntax error at each login.
_IN_SH = """\
unalias {name} 2>/dev/null || :
{name}() {{  # attach to a session on a compute node, or start it: {name} [SESSION]
  if tmux has-session -t "{exact}${{1:-{session}}}" 2>/dev/null; then
    tmux attach-session -t "{exact}${{1:-{session}}}"
  else
    tmux new-session{folder} -s "${{1:-{session}}}" {command}
  fi
}}"""

_AGENT_IN_SH = f"""\
# One path to the ssh agent, for shells in tmux that outlive the connection which brought it
if [ -z "$TMUX" ] && [ -S "$SSH_AUTH_SOCK" ] && [ "$SSH_AUTH_SOCK" != {_AGENT} ]; then
  ln -sf "$SSH_AUTH_SOCK" {_AGENT}
elif [ -n "$TMUX" ] && [ -S {_AGENT} ]; then
  export SSH_AUTH_SOCK={_AGENT}
fi"""

_IN_FISH = """\
function {name}  # attach to a session on a compute node, or start it: {name} [SESSION]
    set -l session {session}
    set -q argv[1]; and set session $argv[1]
    if tmux has-session -t "{exact}$session" 2>/dev/null
        tmux attach-session -t "{exact}$session"
    else
        tmux new-session{folder} -s "$session" {command}
    end
end"""

_AGENT_IN_FISH = f"""\
# One path to the ssh agent, for shells in tmux that outlive the connection which brought it
if not set -q TMUX; and test -S "$SSH_AUTH_SOCK"; and test "$SSH_AUTH_SOCK" != {_AGENT}
    ln -sf "$SSH_AUTH_SOCK" {_AGENT}
else if set -q TMUX; and test -S {_AGENT}
    set -gx SSH_AUTH_SOCK {_AGENT}
end"""

# tmux takes the path of a new agent from each client that attaches (update-environment). The symlink follows that path.
_AGENT_IN_TMUX = (
    "set-hook -g client-attached[1077] { run-shell -b 's=$(tmux show-environment -t #{q:session_id} SSH_AUTH_SOCK | "
    "sed -n s/^SSH_AUTH_SOCK=//p); "
    f'if [ -S "$s" ] && [ "$s" != {_AGENT} ]; then ln -sf "$s" {_AGENT}; fi\' }}'
)


def functions(shell: str, requests: Mapping[str, tuple[str, str, str]], version: tuple[int, int]) -> str | None:
    """Return lines for the rc file of a login shell; None for csh, which has no functions, and for unknown shells.

    `requests` is the function's name -> (default session, the request as the login shell reads it, its folder or "").
    `version` is that of tmux.
    """
    if shell != "fish" and shell not in SH:
        return None
    form, agent, quoted = (_IN_FISH, _AGENT_IN_FISH, _fish) if shell == "fish" else (_IN_SH, _AGENT_IN_SH, shlex.quote)
    exact = "=" if version >= (2, 1) else ""
    made = (
        form.format(
            name=name,
            session=session,
            exact=exact,
            command=quoted(f"{request}; exec $SHELL -l"),
            folder=f" -c {_folder(cwd, quoted)}" if cwd and version >= _FOLDER_SINCE else "",
        )
        for name, (session, request, cwd) in requests.items()
    )
    return "\n\n".join([*made, agent])


def tmux_conf(version: tuple[int, int]) -> str:
    """Return lines for tmux.conf: the wheel scrolls, the mouse selects panes."""
    if version < (2, 1):
        return "setw -g mode-mouse on\nset -g mouse-select-pane on"
    return "set -g mouse on" if version < (3, 0) else f"set -g mouse on\n{_AGENT_IN_TMUX}"


def mouse_in(text: bytes) -> str:
    """Return `on` or `off` if a tmux.conf says whether the mouse is on, else ""."""
    said = re.findall(rb"^\s*set(?:-option)?\s+(?:-\w+\s+)*mouse\s+(on|off)\b", text, re.MULTILINE)
    return bytes(said[-1]).decode() if said else ""


def parse_version(text: str) -> tuple[int, int]:
    """Read `tmux -V`: `tmux 3.3a`, `tmux next-3.5`. A version without a number (`master`) counts as new."""
    found = re.search(r"(\d{1,4})\.(\d{1,4})", text)
    return (int(found[1]), int(found[2])) if found else (99, 0)


def _folder(cwd: str, quoted: Callable[[str], str]) -> str:
    """Return the folder for the shell: below your home unless it begins with /, as in enter() of tmux.sh."""
    if cwd.startswith("/"):
        return quoted(cwd)
    below = "" if cwd == "~" else cwd.removeprefix("~/")
    return f"~/{quoted(below)}" if below else "~"


def _fish(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
