"""Prints how often *where* and *what* stand in the docstrings, the README and the docs, for each 1,000 words.

A high number is a hint at sentences without a noun (CONTRIBUTING.md, How we write). It is a mirror: read the text.
Run it as: python tests/plain_words.py
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import lnode

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGE = Path(lnode.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(source: Path) -> Iterator[str]:
    """Yield the docstrings of a file."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, _WITH_DOCSTRING):
            yield ast.get_docstring(node) or ""


def questions(source: Path) -> Iterator[str]:
    """Yield the first lines of docstrings that ask a question. They should say what the function does or returns."""
    first_lines = (text.partition("\n")[0].rstrip() for text in docstrings(source))
    yield from (line for line in first_lines if line.endswith("?"))


def shown(source: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of the strings of a file that a user may see: all strings of two words but docstrings."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
        if is_text and " " in node.value.strip():
            yield node.lineno, node.value


def share(text: str) -> float:
    """Return how many of 1,000 words are *where* or *what*."""
    words = re.findall(r"[a-z']+", text.lower())
    return 1000 * sum(word in ("where", "what") for word in words) / max(1, len(words))


def main() -> None:
    rooms: dict[str, list[str]] = {}
    for source in SOURCES:
        room = source.relative_to(PACKAGE).parts[0]
        rooms.setdefault(room, []).extend(docstrings(source))
    rooms["all docstrings"] = [text for texts in rooms.values() for text in texts]
    rooms["README.md and docs"] = [page.read_text(encoding="utf-8") for page in PAGES]
    for name, texts in rooms.items():
        print(f"{share(' '.join(texts)):5.1f}  {name}")


if __name__ == "__main__":
    main()
