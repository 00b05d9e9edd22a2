"""The workflows and the release: each action is one commit, and only the job that publishes may ask for an identity."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_each_action_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"^ *(?:- )?uses: *(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_read_and_its_checkout_keeps_no_token(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head, _, jobs = text.partition("\njobs:\n")
    assert head.endswith("\npermissions:\n  contents: read")
    assert jobs.count("actions/checkout@") == jobs.count("persist-credentials: false")


def test_one_action_has_one_commit() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    used = {tuple(action.split("@")) for action in re.findall(r"uses: *(\S+)", texts)}
    assert len({name for name, _ in used}) == len(used)


def test_only_the_job_that_publishes_asks_for_an_identity() -> None:
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    before, _, publish = text.partition("\n  publish:\n")
    assert "write" not in before.partition("\njobs:\n")[2]
    assert publish.startswith("    if: startsWith(github.ref, 'refs/tags/v')\n    needs: [test, windows]\n")
    assert re.findall(r"^ +(\S+): write$", publish, re.MULTILINE) == ["id-token"]
    assert "password" not in text
    assert "secrets." not in text
