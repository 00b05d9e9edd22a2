"""What a release has beside its files: the SBOM and Homebrew's formula, made of the lock."""

import json
import re
import sys
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import released
from released import Archive, Locked

on_the_oldest_python = pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="Python 3.11 alone has every package of the lock installed"
)
LNODE = Archive("https://example.org/lnode-0.1.0.tar.gz", "0" * 64)


def source_of(package: Locked) -> Archive:
    return Archive(f"https://example.org/{package.name}-{package.version}.tar.gz", min(package.hashes))


def direct() -> set[str]:
    """The packages that lnode itself asks for."""
    return {canonicalize_name(one.name) for one in map(Requirement, requires("lnode") or ()) if not one.marker}


@on_the_oldest_python
def test_the_packages_of_the_tests_are_not_lnodes() -> None:
    for platform in ("linux", "darwin"):
        found = released.needed(platform, "3.13")
        assert direct() < found < {*released.locked()}
        assert not found & {"pytest", "mypy", "zensical", "docker", "pywin32-ctypes"}
    assert "secretstorage" in released.needed("linux", "3.13") - released.needed("darwin", "3.13")
    assert "importlib-metadata" in released.needed("linux", "3.11") - released.needed("linux", "3.13")


@on_the_oldest_python
def test_the_sbom_has_each_package_in_its_locked_version() -> None:
    document = json.loads(released.sbom())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    found = {one["name"]: one["purl"] for one in document["components"]}
    assert direct() < {*found}
    assert found["asyncssh"] == f"pkg:pypi/asyncssh@{released.locked()['asyncssh'][0].version}"
    assert document["dependencies"][0]["dependsOn"] == [one["bom-ref"] for one in document["components"]]
    assert document["metadata"]["component"]["purl"] == f"pkg:pypi/lnode@{released.project()['version']}"


def test_the_formula_has_each_package_once_and_by_a_hash_of_the_lock() -> None:
    text = released.formula(LNODE, source_of)
    rows = re.findall(r'^ +resource "(.+)" do\n +url "(.+)"\n +sha256 "(.+)"\n +end$', text, re.MULTILINE)
    names = [name for name, _, _ in rows]
    ready = {name for names in released.OF_HOMEBREW.values() for name in names}
    assert {*names} == released.needed("linux", "3.13") - ready
    assert len(names) == len({*names}) == text.count("resource ")
    for name, url, sha256 in rows:
        (package,) = (one for one in released.locked()[name] if one.version in url)
        assert sha256 in package.hashes
    assert 'depends_on "cryptography"\n' in text
    assert f'  url "{LNODE.url}"\n  sha256 "{LNODE.sha256}"\n' in text
    opened = re.findall(r"^ *(?:class|def) |\bdo$", text, re.MULTILINE)
    assert len(opened) == len(re.findall(r"^ *end$", text, re.MULTILINE))


def test_an_archive_that_the_lock_does_not_know_is_refused() -> None:
    package = Locked("x", "1.0", frozenset({"a" * 64, "b" * 64}))
    wheel = {"filename": "x-1.0-py3-none-any.whl", "url": "https://w", "hashes": {"sha256": "a" * 64}}
    source = {"filename": "x-1.0.tar.gz", "url": "https://s", "hashes": {"sha256": "b" * 64}}
    other = {"filename": "x-1.0.tar.gz", "url": "https://o", "hashes": {"sha256": "c" * 64}}
    unhashed = {"filename": "x-1.0.tar.gz", "url": "https://u", "hashes": {}}
    assert released.chosen(package, [wheel, other, unhashed, source]) == Archive("https://s", "b" * 64)
    with pytest.raises(SystemExit, match=r"no source archive of x 1\.0"):
        released.chosen(package, [wheel, other])
