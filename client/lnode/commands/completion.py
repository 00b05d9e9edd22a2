"""`lnode --completion SHELL`: print what completes the words of lnode in your shell.

The shell asks `lnode --complete` at each Tab (cli/complete.py), which looks at this laptop only.
"""

from lnode.errors import ExitCode, LnodeError
from lnode.laptop import screen

# Each hands over the words behind `lnode` up to the cursor. bash gets bare words, the others a help text beside each.
_SCRIPTS = {
    "bash": """\
_lnode() {
  local IFS=$'\\n'
  COMPREPLY=($(lnode --complete bash "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -F _lnode lnode""",
    "zsh": """\
#compdef lnode
_lnode() {
  local -a found
  found=("${(@f)$(lnode --complete zsh "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n $found ]] && _describe -V word found
}
if [[ $funcstack[1] == _lnode ]]; then _lnode "$@"; else compdef _lnode lnode; fi""",
    "fish": """\
complete -c lnode -f -k \\
  -a '(lnode --complete fish (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null | string replace " " \\t)'""",
}

# The line for the file that each shell reads when it starts.
_LINES = {
    "bash": "echo 'eval \"$(lnode --completion bash)\"' >>~/.bashrc",
    "zsh": "echo 'eval \"$(lnode --completion zsh)\"' >>~/.zshrc   # below compinit",
    "fish": "lnode --completion fish >~/.config/fish/completions/lnode.fish",
}


def completion(*, shell: str) -> ExitCode:
    """Print the script for that shell; on a terminal also say how to keep it. Raises LnodeError(USAGE)."""
    if shell not in _SCRIPTS:
        raise LnodeError(
            ExitCode.USAGE,
            f"lnode completes words in {', '.join(_SCRIPTS)}, and not in {shell}",
            "as in: lnode --completion zsh",
        )
    screen.show(*_SCRIPTS[shell].split("\n"))
    if screen.is_terminal():
        screen.say(f"to keep it: {_LINES[shell]}")
    return ExitCode.DONE
