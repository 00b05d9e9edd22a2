"""The verdicts on the words of real clients, OpenSSH 8.4 to 10.6: recorded/words_of_ssh.json, by record_words.py."""

import json
from pathlib import Path
from typing import Any

import pytest

from lnode.ssh import failures, verdict
from lnode.ssh.failures import Cause
from lnode.ssh.said import told_apart
from lnode.ssh.target import Target

ROWS = json.loads((Path(__file__).parents[1] / "recorded" / "words_of_ssh.json").read_text())
OLD = "8.4p1"  # has neither LogVerbose nor RequiredRSASize
CAUSES = {
    "no-name": Cause.UNRESOLVED,
    "no-address": Cause.NO_ROUTE,
    "refused": Cause.REFUSED,
    "no-answer": Cause.TIMED_OUT,
    "no-banner": Cause.TIMED_OUT,
    "closed-at-once": Cause.CLOSED_EARLY,
    "closed-before-banner": Cause.CLOSED_EARLY,
    "reset-before-banner": Cause.CLOSED_EARLY,
    "too-many": Cause.CLOSED_EARLY,
    "penalty": Cause.CLOSED_EARLY,
    "web-server": Cause.CLOSED_EARLY,
    "old-protocol": Cause.CLOSED_EARLY,
    "closed-after-banner": Cause.CLOSED_EARLY,
    "bad-option": Cause.BAD_CONFIG,
    "bad-value": Cause.BAD_CONFIG,
    "key-unknown": Cause.HOST_KEY_UNKNOWN,
    "key-changed": Cause.HOST_KEY_CHANGED,
    "key-revoked": Cause.HOST_KEY_CHANGED,
    "short-key": Cause.NO_COMMON_ALGORITHM,
    "no-kex": Cause.NO_COMMON_ALGORITHM,
    "no-cipher": Cause.NO_COMMON_ALGORITHM,
    "no-mac": Cause.NO_COMMON_ALGORITHM,
    "no-key-type": Cause.NO_COMMON_ALGORITHM,
    "old-kex": Cause.OVER,
    "wrong-key": Cause.LOGIN_REFUSED,
    "too-many-keys": Cause.LOGIN_REFUSED,
    "nobody-to-ask": Cause.LOGIN_REFUSED,
    "wrong-password": Cause.LOGIN_REFUSED,
    "banner-and-refused": Cause.LOGIN_REFUSED,
    "denied": Cause.LOGIN_REFUSED,
    "too-slow": Cause.SENT_AWAY,
    "nologin": Cause.SENT_AWAY,
    "nologin-pam": Cause.SENT_AWAY,
    "in": Cause.OVER,
    "in-terminal": Cause.OVER,
    "killed": Cause.LOST,
    "killed-terminal": Cause.LOST,
    "silence": Cause.LOST,
    "silence-terminal": Cause.LOST,
    "no-session": Cause.NO_SESSION,
    "no-session-terminal": Cause.NO_SESSION,
    "no-terminal": Cause.NO_TERMINAL,
    "no-forward-there": Cause.NO_FORWARD,
    "no-forward-here": Cause.NO_FORWARD,
    "forward-warned": Cause.OVER,
    "no-master": Cause.CLOSED_EARLY,
    "jump-refused": Cause.REFUSED,
    "jump-wrong-key": Cause.HOST_KEY_UNKNOWN,
    "jump-unknown-key": Cause.HOST_KEY_UNKNOWN,
    "jump-no-name": Cause.UNRESOLVED,
    "jump-then-refused": Cause.REFUSED,
    "jump-forbids": Cause.CLOSED_EARLY,
}
OF_OLD = {"short-key": Cause.OVER, "too-slow": Cause.CLOSED_EARLY}


def target(case: str) -> Target:
    way = {"proxyjump": ("gate",)} if case.startswith("jump-") else {}
    way |= {"proxycommand": ("false",)} if case == "no-master" else {}
    return Target("unity", None, {"hostname": ("127.0.0.1",), "port": ("2200",), "user": ("alice",)} | way)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']}-{row['ssh'][0]}")
def test_the_verdict_on_each_client(row: dict[str, Any]) -> None:
    said = told_apart(row["log"], row["stderr"])
    ending = verdict.of_ssh(target(row["case"]), row["status"], said, ["ssh"], silent=False)
    due = OF_OLD.get(row["case"], CAUSES[row["case"]]) if row["ssh"] == [OLD] else CAUSES[row["case"]]
    assert ending.cause is due
    assert ending.began is (due in (Cause.OVER, Cause.LOST))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['case']}-{row['ssh'][0]}")
def test_no_words_of_a_client_are_taken_for_those_of_the_site(row: dict[str, Any]) -> None:
    """The rows of ssh's own log, after a login: lnode would show a site's words with the notice."""
    from lnode.ssh.site_words import site_words

    if row["status"] != 255 and "nologin" not in row["case"]:
        assert site_words(str(told_apart(row["log"], row["stderr"]))) == []


def test_each_case_was_met_by_each_client() -> None:
    clients = {version for row in ROWS for version in row["ssh"]}
    assert len(clients) == 4
    for case in CAUSES:
        assert {version for row in ROWS if row["case"] == case for version in row["ssh"]} == clients, case


def test_a_terminal_that_was_killed_is_not_left_by_hand() -> None:
    rows = [row for row in ROWS if row["case"] in ("killed-terminal", "silence-terminal")]
    assert rows
    for row in rows:
        assert not failures.is_hung_up(told_apart(row["log"], row["stderr"]), target(row["case"]).place)
