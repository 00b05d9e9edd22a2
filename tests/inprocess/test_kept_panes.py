"""The panes that a job has kept, as the next one reads them, and whose job it is; by each sh."""

import subprocess
from pathlib import Path

import pytest

from inprocess.cluster_home import Site
from lnode.remote import call
from shells import SHELLS, installed

PARTS = "".join(call.texts("node_session")[:-2])  # without what they do at once


def said(site: Site, text: str, shell: Path = Path("/bin/sh"), **env: str) -> bytes:
    return subprocess.run(
        [shell, "-c", f"{PARTS}\n{text}"], env={**site.env, **env}, capture_output=True, check=False, timeout=60
    ).stdout


def notes(site: Site) -> Path:
    folder = site.home / ".local" / "state" / "lnode" / "in_jobs"
    folder.mkdir(parents=True, mode=0o700)
    return folder


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_a_folder_may_have_any_name_and_makes_no_row(sh_site: Site, shell: str, locale: str) -> None:
    good = [
        b"%0 0 ca7d,100x29,0,0,0 /home/al ice",
        b"%12 3 b25d,2x2[1x2,0,0,0,1x2,1,0,1] /home/caf\xe9",
        b"%2 0 x,1x1 ",
    ]
    bad = [b"$(touch x) 0 l", b"%1;id 0 l /", b"%1 0", b"", b"%x 0 l /"]
    (notes(sh_site) / "7.history").mkdir()
    (notes_file := sh_site.home / ".local/state/lnode/in_jobs/7.history/panes").write_bytes(
        b"\n".join(good + bad) + b"\n"
    )
    path = installed(shell, sh_site.home / "sh")
    assert said(sh_site, "kept_panes 7", path, LANG=locale, LC_ALL=locale) == b"\n".join(good) + b"\n"
    notes_file.write_bytes(b"%0 0 x,1x1 /home/\x1b]0;title\x07\x7f\n")
    assert said(sh_site, "kept_panes 7", path) == b"%0 0 x,1x1 /home/]0;title\n"


@pytest.mark.parametrize(
    ("noted", "cluster", "here"),
    [("Unity", "unity", True), ("unity", "", True), ("", "unity", True), ("gpu", "unity", False)],
)
def test_a_job_is_of_the_cluster_that_its_note_names_however_that_is_spelled(
    sh_site: Site, noted: str, cluster: str, *, here: bool
) -> None:
    if noted:
        (notes(sh_site) / "7.cluster").write_text(f"{noted}\n")
    assert said(sh_site, f"searched=yes cluster={cluster}; is_here 7 && echo here") == (b"here\n" if here else b"")
