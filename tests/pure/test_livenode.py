"""What stands in the rc file and in tmux.conf."""

import pytest

from lnode.commands.setup.livenode import functions, mouse_in, parse_version, tmux_conf

REQUESTS = {
    "livenode": ("livenode", "sinteractive -m 48000", ""),
    "livegpu": ("gpu1", "sinteractive --note 'it''s'", ""),
}


def test_in_a_posix_shell() -> None:
    assert (
        functions("bash", {"livenode": ("livenode", "sinteractive -m 1", "")}, (3, 3))
        == """\
unalias livenode 2>/dev/null || :
livenode() {  # attach to a session on a compute node, or start it: livenode [SESSION]
  if tmux has-session -t "=${1:-livenode}" 2>/dev/null; then
    tmux attach-session -t "=${1:-livenode}"
  else
    tmux new-session -s "${1:-livenode}" 'sinteractive -m 1; exec $SHELL -l'
  fi
}

# One path to the ssh agent, for shells in tmux that outlive the connection which brought it
if [ -z "$TMUX" ] && [ -S "$SSH_AUTH_SOCK" ] && [ "$SSH_AUTH_SOCK" != ~/.ssh/lnode-agent ]; then
  ln -sf "$SSH_AUTH_SOCK" ~/.ssh/lnode-agent
elif [ -n "$TMUX" ] && [ -S ~/.ssh/lnode-agent ]; then
  export SSH_AUTH_SOCK=~/.ssh/lnode-agent
fi"""
    )


@pytest.mark.parametrize(
    ("shell", "cwd", "option"),
    [
        ("bash", "/scratch/alice", " -c /scratch/alice -s"),
        ("bash", "~/it's", """ -c ~/'it'"'"'s' -s"""),
        ("bash", "my proj", " -c ~/'my proj' -s"),
        ("fish", "~", " -c ~ -s"),
        ("fish", "it's", r" -c ~/'it\'s' -s"),
        ("zsh", "", "new-session -s"),
    ],
)
def test_the_folder_in_which_it_starts(shell: str, cwd: str, option: str) -> None:
    assert option in (functions(shell, {"livenode": ("livenode", "salloc", cwd)}, (3, 3)) or "")
    assert " -c " not in (functions(shell, {"livenode": ("livenode", "salloc", cwd)}, (1, 8)) or "")


@pytest.mark.parametrize("shell", ["csh", "tcsh", "nologin", ""])
def test_a_shell_without_functions(shell: str) -> None:
    assert functions(shell, REQUESTS, (3, 3)) is None


def test_before_tmux_2_1_a_name_cannot_be_exact() -> None:
    assert '-t "=' not in (functions("zsh", REQUESTS, (2, 0)) or "")


@pytest.mark.parametrize(
    ("version", "first"), [((1, 8), "setw -g mode-mouse on"), ((2, 1), "set -g mouse on"), ((3, 3), "set -g mouse on")]
)
def test_the_mouse(version: tuple[int, int], first: str) -> None:
    assert tmux_conf(version).splitlines()[0] == first
    assert ("set-hook" in tmux_conf(version)) == (version >= (3, 0))


@pytest.mark.parametrize(
    ("text", "version"),
    [("tmux 3.3a", (3, 3)), ("tmux 1.8", (1, 8)), ("tmux next-3.5", (3, 5)), ("tmux master", (99, 0)), ("", (99, 0))],
)
def test_the_version(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"set -g mouse on\n", "on"), (b"set -g mouse on\n  set-option -g  mouse off\n", "off"), (b"", ""),
        (b"# set -g mouse on\nset -g mouse-select-pane on\n", ""),
    ],
)  # fmt: skip
def test_whose_mouse_it_is(text: bytes, says: str) -> None:
    assert mouse_in(text) == says
