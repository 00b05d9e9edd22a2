"""Nothing of the folder in which you happen to be is run: no Python module, no program."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nearby import LIMIT_S, SSH, Nearby, nearby

MODULES = ("lnode", "select", "asyncio", "typing", "keyring", "json")


@pytest.fixture
def laptop() -> Iterator[Nearby]:
    with nearby() as made:
        made.tmux("new-session", "-d", "-s", "fit", ";", "set-option", "@lnode_kind", "login")
        (made.home / "proj").mkdir()
        made.program("code", "#!/bin/sh\n")
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One in which each of these names leaves a mark when it is run."""
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\n")
    for name in ("ssh", "code", "ps", "tmux", "python3"):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho {name} >>{shlex.quote(str(tmp_path / 'ran'))}\nexit 1\n")
        program.chmod(0o755)
    return tmp_path


def calls(laptop: Nearby) -> int:
    return (laptop.home / "calls").read_text().count("called")


@pytest.mark.parametrize("python_path", ["", ":", ".:relative"])
def test_the_way_that_code_writes_runs_no_module_of_the_current_folder(
    laptop: Nearby, folder: Path, python_path: str
) -> None:
    done = laptop.lnode("x", "fit", "--code", "~/proj", "--yes")
    assert done.returncode == 0, done
    before = calls(laptop)
    env = laptop.env | {"PYTHONPATH": python_path}
    argv = [str(SSH), "-F", laptop.home / ".ssh" / "config", "-o", "BatchMode=yes", "--", "fit.x.lnode", "true"]
    subprocess.run(argv, env=env, cwd=folder, capture_output=True, timeout=LIMIT_S, check=False)
    assert not (folder / "ran").exists(), (folder / "ran").read_text()
    assert calls(laptop) > before  # it was lnode that ran, and asked the host


def test_a_block_of_an_older_lnode_is_rewritten(laptop: Nearby) -> None:
    assert laptop.lnode("x", "fit", "--code", "~/proj", "--yes").returncode == 0
    block = laptop.state / "hosts" / "x.lnode"
    today = block.read_text()
    block.write_text(today.replace(" -E -P", ""))
    assert laptop.lnode("x", "fit", "--code", "~/proj", "--yes").returncode == 0
    assert block.read_text() == today
    assert " -E -P -m lnode x --way '%h'\n" in today


def test_what_every_host_gets_and_a_node_too_is_said(laptop: Nearby) -> None:
    config = laptop.home / ".ssh" / "config"
    config.write_text(f"{config.read_text()}Host *\n    SendEnv LANG AWS_SECRET\n    ForwardAgent yes\n")
    said = "lnode: ssh passes on to fit.x.lnode: SendEnv AWS_SECRET; to keep it here, put it below `Host * !*.lnode`\n"
    for _ in range(2):
        done = laptop.lnode("x", "fit", "--code", "~/proj", "--yes")
        assert (done.returncode, said in done.stderr) == (0, True), done
    config.write_text(config.read_text().replace("Host *\n", "Host * !*.lnode\n"))
    assert "passes on" not in laptop.lnode("x", "fit", "--code", "~/proj").stderr


@pytest.mark.parametrize("path", [":{}", ".:{}", "bin::{}", "{}:"])
def test_a_path_that_leads_to_the_current_folder_is_not_followed(laptop: Nearby, folder: Path, path: str) -> None:
    path = path.format(laptop.env["PATH"])
    done = laptop.lnode("x", "fit", "--code", "~/proj", "--yes", cwd=folder, PATH=path)
    assert done.returncode == 0, done
    assert not (folder / "ran").exists(), (folder / "ran").read_text()
    (laptop.home / "bin" / "code").unlink()
    done = laptop.lnode("x", "fit", "--code", "~/proj", cwd=folder, PATH=path)
    assert (done.returncode, "there is no `code` on this laptop's PATH" in done.stderr) == (1, True), done
    assert not (folder / "ran").exists(), (folder / "ran").read_text()
