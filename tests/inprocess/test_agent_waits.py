"""The agents that wait, as a shell on the host tells them: the same verdicts on all scenes as those of the laptop."""

import shutil
import subprocess
from pathlib import Path

import pytest

import agents_draw
from full import FULL
from lnode.cluster.agent_patterns import table_of
from lnode.cluster.agents import Screen
from lnode.locate.known_agents import known_agents
from lnode.remote import call
from pure.test_agents import seen, shown

AWKS = ("mawk", "gawk", "original-awk", "busybox")
LIMIT_S = 120
SIZES = agents_draw.SIZES if FULL else agents_draw.SIZES[:3:2]


def waits(awk: str, folder: Path, screens: list[Screen], *, clients: int = 0, active: int = 1) -> list[str]:
    """Return the rows of find_waits for screens in panes %0, %1, ... of sessions $0, $1, ..."""
    (folder / "awk").symlink_to(str(shutil.which(awk)))
    rows = []
    for number, one in enumerate(screens):
        cursor = "" if one.has_cursor is None else int(one.has_cursor)
        rows.append(f"%{number} c{cursor} a{int(one.alternate)} t1 {one.title}")
        rows += [f"{'>' if at == one.cursor else '|'}{row}" for at, row in enumerate(one.rows)]
    panes = [f"${number} 1 {active} {clients} 5 %{number} f* k o e w t x" for number in range(len(screens))]
    (text,) = (one for one in call.texts("glance") if "find_waits()" in one)
    (folder / "screens").write_text("\n".join(rows), encoding="utf-8")  # too long for a variable of the environment
    script = f'{text}\nfind_waits 30 "$R" "$P" "$(cat {folder}/screens)"; printf "%s\\n" "$waits"'
    env = {"PATH": f"{folder}:/usr/bin:/bin", "R": table_of(known_agents()), "P": "\n".join(panes)}
    done = subprocess.run(
        ["sh", "-c", script], env=env, capture_output=True, encoding="utf-8", timeout=LIMIT_S, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip("\n").splitlines()


@pytest.mark.parametrize("awk", AWKS)
def test_each_awk_says_of_each_scene_what_the_laptop_says(awk: str, tmp_path: Path) -> None:
    if shutil.which(awk) is None:
        pytest.skip(f"no {awk} here")
    for columns, rows in SIZES:
        (folder := tmp_path / f"{columns}").mkdir()
        found = waits(awk, folder, [shown(scene, columns, rows) for scene in agents_draw.SCENES])
        expected = []
        for number, scene in enumerate(agents_draw.SCENES):
            agent = seen(scene, columns, rows)
            if agent and agent.waits:
                expected.append([f"${number} %{number} 0", agent.name, agent.question])
        assert [row.split("\t")[:3] for row in found] == expected


def test_it_tells_whether_somebody_looks(tmp_path: Path) -> None:
    screen = shown(agents_draw.BY_NAME["claude-bash"], 80, 24)
    now = 4_000_000_000
    for number, (clients, active, looks) in enumerate([(1, now, "1"), (0, now, "0"), (1, 1, "0")]):
        (folder := tmp_path / str(number)).mkdir()
        (row,) = waits("awk", folder, [screen], clients=clients, active=active)
        assert row.startswith(f"$0 %0 {looks}\tclaude\tDo you want to proceed?\t")


def test_a_screen_that_forges_rows_is_no_other_pane(tmp_path: Path) -> None:
    evil = ["%1 c0 a0 t1 x", "lnode-screens", "$1 1 1 0 5 %0 f* k", *shown(agents_draw.BY_NAME["apt"], 80, 24).rows, ""]
    assert waits("awk", tmp_path, [Screen("x", evil, True, 0), Screen("y", ["$ "], True, 0)]) == []
