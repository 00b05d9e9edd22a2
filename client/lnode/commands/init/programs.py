"""The programs with which sites start interactive jobs, and how lnode spells a request for each."""

from collections.abc import Collection

# In the order in which lnode prefers them.
PROGRAMS = (
    "sinteractive", "interactive", "interact", "sinter", "ijob", "idev", "sdev", "isession", "qinteractive", "qrshx",
)  # fmt: skip

_LETTERS = (("m", "mem"), ("t", "time"))
_OTHERS = {"idev": "m"}  # letters that mean something else: TACC's takes minutes
_GPU_LETTERS = (("p", "partition"), ("g", "gpus"))


def request(program: str, letters: Collection[str], handed_on: str) -> str:
    """Return the command for config.toml. `letters` are the program's options, `handed_on` the words that it hands on.

    The command has no words if neither is known: the site's program then asks for its own defaults.
    """
    others = _OTHERS.get(program, "")
    words = [_spelled(letter, word) for letter, word in _LETTERS if letter in letters and letter not in others]
    return " ".join([program, *(words or ([handed_on] if handed_on else []))])


def gpu_request(program: str, letters: Collection[str], handed_on: str) -> str:
    """Return the words that ask the program for a partition and GPUs, "" if lnode cannot spell them."""
    if all(letter in letters for letter, _ in _GPU_LETTERS):
        return " ".join(_spelled(letter, word) for letter, word in _GPU_LETTERS)
    return "" if any(letter in letters for letter, _ in _LETTERS) else handed_on


def _spelled(letter: str, word: str) -> str:
    return f"-{letter} {{{word}}}"
