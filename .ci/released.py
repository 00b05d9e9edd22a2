#!/usr/bin/env python3
"""What a release has beside its files: `released.py sbom` and `released.py formula dist/lnode-0.1.0.tar.gz` print it.

The SBOM is CycloneDX 1.6, and the formula is Homebrew's. Both name the packages that lnode runs with, in the versions
of requirements.lock. Run it with the Python of an environment that has the lock installed: that one knows which package
needs which. The SBOM wants Python 3.11, which has the packages for older Pythons too. `formula` asks PyPI for the
address of each source archive, and takes only one whose hash is in the lock.
"""

import hashlib
import json
import re
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LIMIT_S = 30
_SIMPLE = "application/vnd.pypi.simple.v1+json"

# Homebrew has these as formulae of its own: they take long to build, or hold secrets and must be renewed with it.
OF_HOMEBREW = {"cryptography": ("cffi", "cryptography", "pycparser")}
TO_BUILD = {"bcrypt": '"rust" => :build', "pynacl": '"libsodium"'}
PYTHON = "3.13"
SAYS = "Keep a compute-node session alive on an HPC cluster, from your laptop"  # Homebrew takes 80 characters


class Locked(NamedTuple):
    """A package of requirements.lock, and the hashes of its files."""

    name: str
    version: str
    hashes: frozenset[str]


class Archive(NamedTuple):
    """A source archive, and its sha256."""

    url: str
    sha256: str


def locked() -> dict[str, list[Locked]]:
    """Return the packages of the lock by name. Some have another version for an older Python."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    found: dict[str, list[Locked]] = {}
    for name, version, rest in re.findall(r"^(\S+)==(\S+)((?:.*\\\n)*.*)", text, re.MULTILINE):
        hashes = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", rest))
        found.setdefault(name, []).append(Locked(name, version, hashes))
    return found


def needed(platform: str, python: str) -> set[str]:
    """Return the names of the packages that lnode runs with there."""
    where = {
        "sys_platform": platform, "platform_system": platform.capitalize(), "os_name": "posix", "extra": "",
        "python_version": python, "python_full_version": f"{python}.0", "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }  # fmt: skip
    wanted = [Requirement(word) for word in project()["dependencies"]]
    found: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        if (requirement.marker and not requirement.marker.evaluate(where)) or name in found:
            continue
        found.add(name)
        wanted += map(Requirement, distribution(name).requires or ())
    return found


def project() -> Mapping[str, str | list[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        table: Mapping[str, str | list[str]] = tomllib.load(file)["project"]
    return table


# --- SBOM


def sbom() -> str:
    """Return the list of lnode's packages, as JSON: on Linux and macOS, with each Python."""
    lnode, packages = project(), locked()
    names = {name for platform in ("linux", "darwin") for minor in (11, 13) for name in needed(platform, f"3.{minor}")}
    components = [component(package) for name in sorted(names) for package in packages[name]]
    itself = {"type": "application", "bom-ref": "lnode", "name": "lnode", "version": lnode["version"],
              "description": lnode["description"], "purl": f"pkg:pypi/lnode@{lnode['version']}",
              "licenses": [{"license": {"id": lnode["license"]}}]}  # fmt: skip
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": itself},
        "components": components,
        "dependencies": [{"ref": "lnode", "dependsOn": [one["bom-ref"] for one in components]}],
    }  # fmt: skip
    return json.dumps(document, indent=2)


def component(package: Locked) -> dict[str, str]:
    purl = f"pkg:pypi/{package.name}@{package.version}"
    return {"type": "library", "bom-ref": purl, "name": package.name, "version": package.version, "purl": purl}


# --- Homebrew


def formula(archive: Archive, source_of: Callable[[Locked], Archive]) -> str:
    """Return the formula for an archive of lnode. `source_of` finds the source archive of a package."""
    on_mac, on_linux = needed("darwin", PYTHON), needed("linux", PYTHON)
    ready = {name for names in OF_HOMEBREW.values() for name in names}
    everywhere, linux = sorted(on_mac - ready), sorted(on_linux - on_mac - ready)
    depends = [words for name, words in TO_BUILD.items() if name in everywhere]
    depends += (f'"{name}"' for name, names in OF_HOMEBREW.items() if on_mac & {*names})
    depends += [f'"python@{PYTHON}"']
    of_linux = [line for name in linux for line in resource(name, source_of, "    ")]
    return "\n".join((
        "class Lnode < Formula",
        "  include Language::Python::Virtualenv",
        "",
        f'  desc "{SAYS}"',
        '  homepage "https://pypi.org/project/lnode/"',
        f'  url "{archive.url}"',
        f'  sha256 "{archive.sha256}"',
        '  license "MIT"',
        "",
        *(f"  depends_on {words}" for words in sorted(depends, key=lambda words: (":build" not in words, words))),
        "",
        *(line for name in everywhere for line in resource(name, source_of, "  ")),
        *(["  on_linux do", *of_linux[:-1], "  end", ""] if linux else ()),
        "  def install",
        *(['    ENV["SODIUM_INSTALL"] = "system"'] if "pynacl" in everywhere else ()),
        "    virtualenv_install_with_resources",
        '    man1.install "docs/lnode.1"',
        '    generate_completions_from_executable(bin/"lnode", "--completion", shell_parameter_format: :none)',
        "  end",
        "",
        "  test do",
        '    assert_match version.to_s, shell_output("#{bin}/lnode --version")',
        '    assert_match "no alias", shell_output("#{bin}/lnode no-such-host --ls 2>&1", 2)',
        "  end",
        "end",
    ))  # fmt: skip


def resource(name: str, source_of: Callable[[Locked], Archive], indent: str) -> Iterator[str]:
    found = source_of(locked()[name][-1])
    yield from (f'{indent}resource "{name}" do', f'{indent}  url "{found.url}"', f'{indent}  sha256 "{found.sha256}"')
    yield from (f"{indent}end", "")


def on_pypi(package: Locked) -> Archive:
    """Ask PyPI for the source archive of a package (PEP 691). Exits if there is none that the lock knows."""
    asked = urllib.request.Request(f"https://pypi.org/simple/{package.name}/", headers={"Accept": _SIMPLE})
    with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
        return chosen(package, json.load(answer)["files"])


def chosen(package: Locked, files: Iterable[Mapping[str, Any]]) -> Archive:
    """Return the source archive among the files of a package. Exits if there is none that the lock knows."""
    for file in files:
        if file["filename"].endswith((".tar.gz", ".zip")) and (known := file["hashes"].get("sha256")) in package.hashes:
            return Archive(file["url"], known)
    raise SystemExit(f"released.py: PyPI has no source archive of {package.name} {package.version} that the lock knows")


def main(words: list[str]) -> None:
    match words:
        case ["sbom"]:
            print(sbom())
        case ["formula", path]:
            name = Path(path).name
            url = f"https://files.pythonhosted.org/packages/source/l/lnode/{name}"
            print(formula(Archive(url, hashlib.sha256(Path(path).read_bytes()).hexdigest()), on_pypi))
        case _:
            raise SystemExit("usage: released.py sbom | formula dist/lnode-VERSION.tar.gz")


if __name__ == "__main__":
    main(sys.argv[1:])
