"""docker/base-image with a stand-in for docker: what it pulls is known by its digest."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[2] / "docker"
DIGEST = f"sha256:{'0123456789abcdef' * 4}"

DOCKER = """\
#!/bin/sh
here=${0%/*}
echo "$*" >>"$here/calls"
case $* in
  version | tag\\ *) ;;
  "image inspect debian:"*) exit 1 ;;
  "image inspect --format"*) cat "$here/digests" ;;
  pull\\ *) exit "$(cat "$here/pulls")" ;;
  *) exit 1 ;;
esac
"""


class Machine:
    """One where `docker pull` ends with `pulls`, and says that it got `digests`; LNODE_RIG is `release`."""

    def __init__(self, folder: Path, *, pulls: int, digests: str = "", release: str = "") -> None:
        self.folder, self.release = folder, release
        shutil.copy(SHIPPED / "base-image", folder)
        (folder / "docker").write_text(DOCKER)
        (folder / "docker").chmod(0o755)
        (folder / "debootstrap").write_text('#!/bin/sh\necho "there is no archive of $3, made as ${6##*/}"\nexit 1\n')
        (folder / "debootstrap").chmod(0o755)
        (folder / "pulls").write_text(str(pulls))
        (folder / "digests").write_text(digests)
        self.scripts = folder / "scripts"
        self.scripts.mkdir()
        self.pinned = folder / "base-image.digest"
        self.pinned.write_text(f"{DIGEST}\n")

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": f"{self.folder}:/usr/bin:/bin", "DEBOOTSTRAP_DIR": str(self.folder), "LNODE_RIG": self.release}
        return subprocess.run(
            [self.folder / "base-image", *words], env=env, capture_output=True, text=True, check=False
        )

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


def test_it_pulls_what_is_pinned_and_calls_that_by_its_name(tmp_path: Path) -> None:
    machine = Machine(tmp_path, pulls=0)
    done = machine.run()
    assert (done.returncode, done.stderr) == (0, f"base-image: pulled debian:bookworm-slim, {DIGEST}\n")
    assert machine.calls()[2:] == [f"pull -q debian@{DIGEST}", f"tag debian@{DIGEST} debian:bookworm-slim"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes one")
def test_what_cannot_be_pulled_by_its_digest_is_not_pulled_by_its_name(tmp_path: Path) -> None:
    machine = Machine(tmp_path, pulls=1)
    done = machine.run()
    assert (done.returncode, "making it from Debian's archive" in done.stderr) == (1, True), done
    assert [call for call in machine.calls() if call.startswith("pull")] == [f"pull -q debian@{DIGEST}"]


@pytest.mark.parametrize("release", ["bullseye", "trixie", "forky"])
def test_another_release_is_the_newest_of_its_name(tmp_path: Path, release: str) -> None:
    machine = Machine(tmp_path, pulls=0, release=release)
    done = machine.run()
    assert (done.returncode, done.stderr) == (0, f"base-image: pulled debian:{release}-slim, {release}-slim\n")
    assert f"pull -q debian:{release}-slim" in machine.calls()
    assert machine.run("--renew").returncode == 1
    assert machine.pinned.read_text() == f"{DIGEST}\n"


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes one")
@pytest.mark.parametrize(("release", "known"), [("forky", False), ("trixie", True)])
def test_a_release_that_debootstrap_does_not_know_is_made_as_sid_is(
    tmp_path: Path, release: str, *, known: bool
) -> None:
    machine = Machine(tmp_path, pulls=1, release=release)
    (machine.scripts / "sid").touch()
    if known:
        (machine.scripts / release).touch()
    assert f"there is no archive of {release}, made as {release if known else 'sid'}\n" in machine.run().stderr


def test_a_release_that_the_rig_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    machine = Machine(tmp_path, pulls=0, release="woody")
    said = "LNODE_RIG=woody is none of the releases that the rig can be: bullseye, bookworm, trixie, forky"
    done = machine.run()
    assert (done.returncode, done.stderr) == (1, f"base-image: {said}\n")


def test_the_pin_is_renewed_from_what_the_registry_gave(tmp_path: Path) -> None:
    other = DIGEST.replace("0", "f")
    machine = Machine(tmp_path, pulls=0, digests=f"debian@{other}\n")
    assert machine.run("--renew").returncode == 0
    assert machine.pinned.read_text() == f"{other}\n"


@pytest.mark.parametrize(("pulls", "digests"), [(1, ""), (0, ""), (0, "debian@sha256:short\n")])
def test_a_pin_is_kept_where_the_registry_says_nothing(tmp_path: Path, pulls: int, digests: str) -> None:
    machine = Machine(tmp_path, pulls=pulls, digests=digests)
    assert machine.run("--renew").returncode == 1
    assert machine.pinned.read_text() == f"{DIGEST}\n"


def test_a_digest_is_pinned() -> None:
    pinned = (SHIPPED / "base-image.digest").read_text()
    assert len(pinned) == len(f"{DIGEST}\n") and pinned.startswith("sha256:") and int(pinned[7:], 16)
